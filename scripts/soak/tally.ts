import { decode } from "../../wire/decode.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { parseTimestamp } from "../../wire/timestamp.ts";
import type { Outcome, SoakSite } from "./sites.ts";

/** When a check was due, milliseconds since 1970, and how many due times it answered for. */
export interface CheckTimes {
  due: number;
  slots: number;
}

/** What is known of one site. */
export interface SiteTally {
  site: SoakSite;
  /** In the order of the topic. */
  checks: CheckTimes[];
}

/** What the topic holds, gathered record by record. */
export class Tally {
  records = 0;
  /** Records that were sent twice: the broker's acknowledgement was lost. */
  duplicates = 0;
  /** How often each thing that should not be in the topic was there. */
  readonly strange = new Map<string, number>();
  /** How often each wrong outcome came. */
  readonly wrong = new Map<string, number>();
  readonly sites: ReadonlyMap<string, SiteTally>;
  /** From when each check was due to when it began, milliseconds. */
  readonly lateness: number[] = [];
  /** Of the fine sites, milliseconds. */
  readonly responseTimes: number[] = [];
  readonly #seen = new Set<string>();

  constructor(sites: readonly SoakSite[]) {
    this.sites = new Map(sites.map((site) => [site.url, { site, checks: [] }]));
  }

  /** Takes the value of a record. */
  add(value: Uint8Array | null): void {
    this.records++;
    const decoded = decode(value);
    if (!decoded.ok) return count(this.strange, `${decoded.reason}: ${decoded.detail}`);
    const { message } = decoded;
    const tally = this.sites.get(message.url);
    if (!tally) return count(this.strange, "a result of no site of ours");
    const identity = `${message.ts} ${message.url}`;
    if (this.#seen.has(identity)) return void this.duplicates++;
    this.#seen.add(identity);
    this.#addResult(tally, message);
  }

  #addResult({ site, checks }: SiteTally, message: ResultMessage): void {
    const began = milliseconds(message.ts);
    const due = milliseconds(message.scheduledAt ?? message.ts);
    checks.push({ due, slots: message.slots ?? 1 });
    this.lateness.push(began - due);
    if (site.behaviour === "fine") this.responseTimes.push(message.responseTime);
    const [expected, found] = [asText(site.expected), asText(outcomeOf(message))];
    if (found !== expected) {
      count(this.wrong, `"${site.behaviour}" gave ${found} instead of ${expected}`);
    }
  }
}

function outcomeOf(message: ResultMessage): Outcome {
  return {
    verdict: message.verdict ?? "unknown",
    reason: message.reason ?? null,
    errorClass: message.errorClass ?? null,
    responseCode: message.responseCode,
    regexResult: message.regexResult,
    bodyTruncated: message.bodyTruncated ?? false,
  };
}

function asText(outcome: Outcome): string {
  const { verdict, reason, errorClass, responseCode, regexResult, bodyTruncated } = outcome;
  return `${verdict} (reason ${reason}, errorClass ${errorClass}, responseCode ${responseCode}, ` +
    `regexResult ${regexResult}, bodyTruncated ${bodyTruncated})`;
}

/** A double holds a microsecond of our times in a fraction of a millisecond. */
function milliseconds(timestamp: string): number {
  return Number(parseTimestamp(timestamp)) / 1000;
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}
