import { isIPv6 } from "node:net";
import type { Clock } from "../../runtime/clock.ts";

/** So many at once, then one each so often: 10 and 6 s let somebody try 14,400 passwords a day. */
const [BURST, REFILL_MS] = [10, 6_000];
const MAX_KNOWN = 10_000;

/** How many passwords an address may try. */
export class Tries {
  /** When all of an address's tries are back, by the monotonic clock. */
  readonly #fullAt = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a try. @returns The seconds to wait for one where there is none; 0: taken */
  take(address: string): number {
    const key = keyOf(address);
    const now = this.#clock.monotonic();
    const fullAt = Math.max(now, this.#fullAt.get(key) ?? 0) + REFILL_MS;
    const wait = fullAt - now - BURST * REFILL_MS;
    if (wait > 0) return Math.ceil(wait / 1000);
    this.#fullAt.delete(key);
    if (this.#fullAt.size >= MAX_KNOWN) this.#fullAt.delete(this.#fullAt.keys().next().value!);
    this.#fullAt.set(key, fullAt);
    return 0;
  }

  /** Gives the tries back, after the right password. */
  forget(address: string): void {
    this.#fullAt.delete(keyOf(address));
  }
}

/** One who has an IPv6 address has a /64 of them. */
function keyOf(address: string): string {
  if (!isIPv6(address) || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::");
  const parts = head.split(":").filter(Boolean);
  if (tail === undefined) return parts.slice(0, 4).join(":");
  const rest = tail.split(":").filter(Boolean);
  const zeros = Array<string>(8 - parts.length - rest.length).fill("0");
  return [...parts, ...zeros, ...rest].slice(0, 4).join(":");
}
