import type { Site } from "../../config/types.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { CertificateRecord } from "../http/types.ts";

/** How often a chain goes along that has not changed. */
const REPEAT_MS = 24 * 3_600_000;

interface Sent {
  /** The fingerprints of the chain. */
  chain: string;
  /** Monotonic time. */
  at: number;
}

/**
 * Decides when a site's chain goes into its result: at the first check since the start (or since its
 * config changed), when the chain is another than at the check before, and once a day. A chain has
 * some kilobytes, a fingerprint a hundred bytes, and both seldom change.
 *
 * It is kept in memory alone: after a restart each chain goes along once more, and the tables hold a
 * certificate once, however often it comes. The daily one makes up for a result that was lost.
 */
export class CertificatesSeen {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #sent = new WeakMap<Site, Sent>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Whether the chain is to go along now; notes that it does. */
  isDue(site: Site, chain: readonly CertificateRecord[]): boolean {
    if (chain.length === 0) return false;
    const fingerprints = chain.map(({ fingerprint256 }) => fingerprint256).join(" ");
    const sent = this.#sent.get(site);
    const now = this.#clock.monotonic();
    if (sent?.chain === fingerprints && now - sent.at < REPEAT_MS) return false;
    this.#sent.set(site, { chain: fingerprints, at: now });
    return true;
  }
}
