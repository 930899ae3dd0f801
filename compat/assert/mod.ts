/**
 * Stands in for jsr:@std/assert where JSR cannot be reached: only the assertions that the tests
 * use, over node:assert, with the real names, argument order and error class name.
 */
import nodeAssert from "node:assert";
import { inspect } from "node:util";

/** Thrown by every assertion here. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

function fail(message: string, msg?: string): never {
  throw new AssertionError(msg ? `${message}: ${msg}` : message);
}

/** Throws unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Throws unless both are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    fail(`Values are not equal\n${(error as Error).message}`, msg);
  }
}

/** Throws unless both are the same by Object.is. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): void {
  if (!Object.is(actual, expected)) {
    fail(`Values are not strictly equal: ${inspect(actual)} and ${inspect(expected)}`, msg);
  }
}

/** Throws if both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch {
    return;
  }
  fail(`Expected values to differ: ${inspect(actual)}`, msg);
}

/** Throws if `actual` is null or undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) fail(`Expected a value, found ${actual}`, msg);
}

/** Throws unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) {
    fail(`Expected ${inspect(actual)} to contain ${inspect(expected)}`, msg);
  }
}

/** Throws unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) fail(`Expected ${inspect(actual)} to match ${expected}`, msg);
}

/** Throws unless `actual` is greater than `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) fail(`Expected ${inspect(actual)} > ${inspect(expected)}`, msg);
}

/** Throws unless `actual` is at least `expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) fail(`Expected ${inspect(actual)} >= ${inspect(expected)}`, msg);
}

/** Throws unless `actual` is less than `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) fail(`Expected ${inspect(actual)} < ${inspect(expected)}`, msg);
}

/** Throws unless `actual` is at most `expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) fail(`Expected ${inspect(actual)} <= ${inspect(expected)}`, msg);
}

/** Throws unless `actual` and `expected` differ by at most `tolerance` (default 1e-7 of expected). */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (!Object.is(actual, expected) && !(Math.abs(actual - expected) <= allowed)) {
    fail(`Expected ${actual} to be within ${allowed} of ${expected}`, msg);
  }
}

// deno-lint-ignore no-explicit-any
type ErrorConstructor<E extends Error> = abstract new (...args: any[]) => E;

function checkThrown<E extends Error>(
  thrown: unknown,
  errorClass?: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): void {
  if (errorClass && !(thrown instanceof errorClass)) {
    fail(`Expected ${errorClass.name}, found ${inspect(thrown)}`, msg);
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (msgIncludes && !message.includes(msgIncludes)) {
    fail(
      `Expected error message to include ${inspect(msgIncludes)}, found ${inspect(message)}`,
      msg,
    );
  }
}

/** Throws unless `fn` throws, of `errorClass`, with `msgIncludes` in its message; returns what it threw. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): E {
  try {
    fn();
  } catch (thrown) {
    checkThrown(thrown, errorClass, msgIncludes, msg);
    return thrown as E;
  }
  fail("Expected function to throw", msg);
}

/** Throws unless `fn` rejects, of `errorClass`, with `msgIncludes` in its message; gives what it threw. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorConstructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E> {
  try {
    await fn();
  } catch (thrown) {
    checkThrown(thrown, errorClass, msgIncludes, msg);
    return thrown as E;
  }
  fail("Expected function to reject", msg);
}
