import type { Clock } from "../../runtime/clock.ts";
import { type HttpError, httpError } from "../http/errors.ts";
import type { HttpClient, HttpRecord, HttpRequest } from "../http/types.ts";

/** A client that has not ended this long after it was told to is left to itself. */
const CLIENT_GRACE_MS = 2_000;

/** The longest that a timer can wait. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Asks the client, with a signal of the timeout and `signal`, which leaves nothing behind when the
 * exchange ends (AbortSignal.any over AbortSignal.timeout keeps 2.6 kB until the timeout). Never
 * rejects, whatever the client does.
 */
export function askWithin(
  client: HttpClient,
  request: HttpRequest,
  timeoutMs: number,
  signal: AbortSignal,
  clock: Clock,
): Promise<HttpRecord> {
  if (signal.aborted) return Promise.resolve(failedRecord(httpError("aborted"), 0));
  const start = clock.monotonic();
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
    const failed = (error: HttpError) => failedRecord(error, clock.monotonic() - start);
    const settle = (record: HttpRecord) => {
      cancelTimer();
      signal.removeEventListener("abort", onAbort);
      resolve(record);
    };
    let cancelTimer = clock.after(Math.min(timeoutMs, MAX_TIMER_MS), onTimeout);
    signal.addEventListener("abort", onAbort);
    // Called in a promise, so that a client that throws at once is caught as well.
    new Promise<HttpRecord>((done) => done(client(request, controller.signal)))
      .then(settle, (error) => settle(failed(httpError("not_made", String(error)))));
  });
}

/** The record of an exchange of which nothing is known but how it failed; null: none was made. */
export function failedRecord(error: HttpError | null, ms: number): HttpRecord {
  return {
    status: null,
    statusText: "",
    headers: [],
    httpVersion: null,
    body: new Uint8Array(0),
    bodyTruncated: false,
    error,
    ms,
    hops: [],
    phases: null,
    remoteAddress: null,
    tls: null,
  };
}
