/**
 * Mends kafkajs 2.2.4's request queue: `scheduleCheckPendingRequests` arms a timer with a negative
 * delay after every response and again each time that it fires, for ever (tulios/kafkajs#1751). An
 * idle client then turns the event loop each millisecond (4 % of a core), and newer runtimes warn of
 * the negative delay. Armed only while something is pending, it is 0.4 %.
 */
import requestQueue from "kafkajs/src/network/requestQueue/index.js";

/** As in kafkajs: how long a request waits at least when too many are in flight. */
const CHECK_PENDING_REQUESTS_INTERVAL_MS = 10;

/** The part of kafkajs's RequestQueue that is touched. */
export interface RequestQueueParts {
  pending: readonly unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: unknown;
  checkPendingRequests(): void;
}

/** What stands in for RequestQueue.prototype.scheduleCheckPendingRequests. */
export function scheduleCheckPendingRequests(this: RequestQueueParts): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId) return;
  const throttledFor = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, throttledFor > 0 ? throttledFor : CHECK_PENDING_REQUESTS_INTERVAL_MS);
}

/** Puts the mended method in place; doing it again changes nothing. */
export function patchRequestQueue(): void {
  requestQueue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests;
}
