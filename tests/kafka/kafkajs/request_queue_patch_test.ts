import { assert, assertEquals } from "@std/assert";
import { createRequire } from "node:module";
import requestQueue from "kafkajs/src/network/requestQueue/index.js";
import {
  patchRequestQueue,
  type RequestQueueParts,
  scheduleCheckPendingRequests,
} from "../../../kafka/kafkajs/request_queue_patch.ts";

function queue(parts: Partial<RequestQueueParts>): RequestQueueParts & { checks: number } {
  const made = {
    pending: [],
    throttledUntil: -1,
    throttleCheckTimeoutId: null as unknown,
    checks: 0,
    checkPendingRequests() {
      made.checks++;
    },
    ...parts,
  };
  return made;
}

Deno.test("scheduleCheckPendingRequests() arms nothing while nothing is pending", () => {
  const idle = queue({});
  scheduleCheckPendingRequests.call(idle);
  assertEquals(idle.throttleCheckTimeoutId, null);
});

Deno.test("scheduleCheckPendingRequests() checks once soon while something is pending", async () => {
  const busy = queue({ pending: [1] });
  scheduleCheckPendingRequests.call(busy);
  scheduleCheckPendingRequests.call(busy);
  assert(busy.throttleCheckTimeoutId !== null);
  while (busy.checks === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(busy.checks, 1);
  assertEquals(busy.throttleCheckTimeoutId, null);
});

Deno.test("patchRequestQueue() replaces the method of the class that kafkajs uses", () => {
  patchRequestQueue();
  // As kafkajs itself loads it: the very same class, with the very fields that the patch reads.
  const require = createRequire(import.meta.url);
  const used = require("kafkajs/src/network/requestQueue/index.js");
  assertEquals(used, requestQueue);
  assertEquals(used.prototype.scheduleCheckPendingRequests, scheduleCheckPendingRequests);
  const made = new used({
    maxInFlightRequests: 1,
    requestTimeout: 1000,
    enforceRequestTimeout: false,
    clientId: "test",
    broker: "none",
    logger: { namespace: () => ({ debug() {} }) },
  });
  for (const field of ["pending", "throttledUntil", "throttleCheckTimeoutId"]) {
    assert(Object.hasOwn(made, field), `kafkajs's queue has no "${field}" any more`);
  }
});

Deno.test("patchRequestQueue() is for the kafkajs it was measured with", () => {
  const require = createRequire(import.meta.url);
  assertEquals(require("kafkajs/package.json").version, "2.2.4");
});
