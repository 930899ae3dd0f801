/**
 * How long to wait before try number `attempt` (1 for the first retry): doubling from `first` up to
 * `most` milliseconds, spread by a factor of 0.5 to 1 so that many clients do not come back at once.
 */
export function backoffMs(
  attempt: number,
  { first = 250, most = 10_000 }: { first?: number; most?: number } = {},
  random: () => number = Math.random,
): number {
  const full = Math.min(most, first * 2 ** Math.min(attempt - 1, 30));
  return full * (0.5 + random() / 2);
}
