/** Values without repetition, in the order of their first appearance. */
export class Distinct<T> {
  readonly values: T[] = [];
  readonly #indexes = new Map<string, number>();

  /**
   * @param key Tells the value from others
   * @returns The value's index
   */
  add(key: string, value: T): number {
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#indexes.set(key, this.values.length);
    return this.values.push(value) - 1;
  }
}
