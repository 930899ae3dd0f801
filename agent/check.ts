import type { Clock } from "../runtime/clock.ts";
import type { Site } from "../config/types.ts";
import { siteId } from "../config/types.ts";
import type { ResultMessage } from "../wire/message.ts";
import { formatTimestamp } from "../wire/timestamp.ts";
import { httpError } from "./http/errors.ts";
import type { HttpClient, HttpError, HttpRecord } from "./http/types.ts";
import { charsetOf } from "./regex/body_text.ts";
import type { SearchOutcome, SearchRequest } from "./regex/protocol.ts";
import { judge } from "./rules.ts";

/** What a check needs, handed in. */
export interface CheckDeps {
  client: HttpClient;
  clock: Clock;
  agentUUID: string;
  /** The site's next timestamp, microseconds since 1970; see Timestamps. */
  timestamp: (siteId: string) => bigint;
  /** Searches a body for the site's regex; see RegexSearch. */
  search: (request: SearchRequest, limitMs: number) => Promise<SearchOutcome>;
  /** The length of a stall of the agent itself since a monotonic time, or null; see StallDetector. */
  stallSince: (start: number) => number | null;
  /** Told of a search that failed, which the message has no place for: a full response came. */
  onSearchFailed?: (site: Site, error: string) => void;
}

/** What a check uses of a client's record. */
type Exchange = Pick<HttpRecord, "status" | "headers" | "body" | "error" | "ms">;

/** A search has at least this, however little of the site's timeout the response has left. */
const MIN_SEARCH_MS = 2_000;

/** A client that has not ended this long after it was told to is left to itself. */
const CLIENT_GRACE_MS = 2_000;

/** The longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Makes one check of `site`. The site's timeout covers all of the exchange, its body included.
 *
 * @param signal Aborts the check
 * @param lateMs How long after its time the check begins
 * @returns The result, a fresh value each time, or null where `signal` cut the check short. Never
 * rejects for what a site or the client does
 */
export async function check(
  site: Site,
  signal: AbortSignal,
  deps: CheckDeps,
  lateMs = 0,
): Promise<ResultMessage | null> {
  if (signal.aborted) return null;
  const ts = deps.timestamp(siteId(site));
  const start = deps.clock.monotonic();
  const exchange = await exchangeWithin(site, signal, deps, start);
  let error = exchange.error;
  if (error && signal.aborted) return null;
  if (error && !error.class.startsWith("local_")) error = blameStall(error, start, deps);

  let regexResult: boolean | null = null;
  let searchFailed = false;
  if (!error && site.regex !== null) {
    const left = site.timeoutMs - (deps.clock.monotonic() - start);
    const contentType = exchange.headers.find(([name]) => name === "content-type")?.[1] ?? null;
    const outcome = await deps.search(
      { pattern: site.regex, body: exchange.body, charset: charsetOf(contentType) },
      Math.min(Math.max(left, MIN_SEARCH_MS), MAX_TIMER_MS),
    );
    if (outcome.ok) regexResult = outcome.matched;
    else if (signal.aborted) return null;
    else {
      searchFailed = true;
      deps.onSearchFailed?.(site, outcome.error);
    }
  }

  const { verdict, reason } = judge(
    site,
    { status: exchange.status, error: searchFailed ? httpError("local_error") : error },
    regexResult,
  );
  const errorClass = searchFailed ? "local_error" : error?.class;
  return {
    ts: formatTimestamp(ts),
    agentUUID: deps.agentUUID,
    url: site.url,
    regexResult,
    responseCode: exchange.status,
    responseTime: Math.round(exchange.ms * 1_000) / 1_000,
    errorMessage: error?.message ?? null,
    ...(site.name !== null && { site: site.name }),
    verdict,
    ...(reason !== null && { reason }),
    ...(errorClass !== undefined && { errorClass }),
    scheduledAt: formatTimestamp(ts - BigInt(Math.round(lateMs * 1_000))),
  };
}

/**
 * Asks the client, with a signal of the site's timeout and `signal`, which leaves nothing behind when
 * the exchange ends (AbortSignal.any over AbortSignal.timeout keeps 2.6 kB until the timeout).
 */
function exchangeWithin(
  site: Site,
  signal: AbortSignal,
  { client, clock }: CheckDeps,
  start: number,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const controller = new AbortController();
    const end = (reason: DOMException, error: HttpError) => {
      controller.abort(reason);
      cancelTimer();
      cancelTimer = clock.after(CLIENT_GRACE_MS, () => settle(failed(error)));
    };
    const onTimeout = () =>
      end(new DOMException("The site's timeout", "TimeoutError"), httpError("timeout"));
    const onAbort = () => end(new DOMException("Stopping", "AbortError"), httpError("aborted"));
    const failed = (error: HttpError): Exchange => {
      return { status: null, headers: [], body: NO_BODY, error, ms: clock.monotonic() - start };
    };
    const settle = (exchange: Exchange) => {
      cancelTimer();
      signal.removeEventListener("abort", onAbort);
      resolve(exchange);
    };
    let cancelTimer = clock.after(Math.min(site.timeoutMs, MAX_TIMER_MS), onTimeout);
    signal.addEventListener("abort", onAbort);
    // Called in a promise, so that a client that throws at once is caught as well.
    new Promise<HttpRecord>((done) => done(client({ url: site.url }, controller.signal)))
      .then(settle, (error) => settle(failed(httpError("local_error", String(error)))));
  });
}

const NO_BODY = new Uint8Array(0);

/** The failure, or where the agent itself stood still meanwhile, that as its cause. */
function blameStall(error: HttpError, start: number, deps: CheckDeps): HttpError {
  const stallMs = deps.stallSince(start);
  if (stallMs === null) return error;
  const seconds = (stallMs / 1_000).toFixed(1);
  return httpError("local_stall", `for ${seconds} s; then "${error.class}"`);
}
