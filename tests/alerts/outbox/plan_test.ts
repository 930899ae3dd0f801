import { assertEquals } from "@std/assert";
import {
  type Candidate,
  plan,
  type PlanOptions,
  type Thread,
} from "../../../alerts/outbox/plan.ts";

let made = 0;

function candidate(changes: Partial<Candidate> = {}): Candidate {
  const id = String(++made);
  return {
    id,
    key: `key-${id}`,
    incidentId: `incident-${id}`,
    event: "opened",
    attempts: 0,
    ageMs: 0,
    thread: `key-${id}`,
    kind: "down",
    reason: "status",
    host: `${id}.example`,
    certificate: "",
    includesOpening: false,
    ...changes,
  };
}

function several(count: number, changes: Partial<Candidate> = {}): Candidate[] {
  return Array.from({ length: count }, () => candidate(changes));
}

/** How many incidents each message has. */
function sizes(candidates: readonly Candidate[], options: Partial<PlanOptions> = {}): number[] {
  return plan(candidates, {
    groupWaitMs: 30_000,
    sitesAt: () => 1,
    threads: new Map(),
    recentStorms: 0,
    hasThreads: false,
    most: Infinity,
    ...options,
  }).map(({ ids }) => ids.length);
}

const HOST = { host: "shop.example" };

Deno.test("plan() waits two seconds with a site that is alone at its host", () => {
  assertEquals(sizes([candidate({ ageMs: 1_900 })]), []);
  assertEquals(sizes([candidate({ ageMs: 2_000 })]), [1]);
});

Deno.test("plan() waits for the other sites of a host, until they are there or group_wait is over", () => {
  const options = { sitesAt: () => 3 };
  assertEquals(sizes(several(2, { ...HOST, ageMs: 29_000 }), options), []);
  assertEquals(sizes(several(2, { ...HOST, ageMs: 30_000 }), options), [2]);
  assertEquals(sizes(several(3, { ...HOST, ageMs: 2_000 }), options), [3]);
  assertEquals(sizes([candidate(HOST)], { ...options, groupWaitMs: 0 }), [1]);
});

Deno.test("plan() puts together what fails alike at one host, or by one certificate", () => {
  const options = { groupWaitMs: 0 };
  assertEquals(
    sizes([
      ...several(2, HOST),
      candidate({ ...HOST, reason: "timeout" }),
      candidate({ ...HOST, kind: "degraded" }),
      candidate(),
    ], options),
    [2, 1, 1, 1],
  );
  const certificate = { reason: "tls_certificate_expired", certificate: "AB:CD" };
  assertEquals(sizes([candidate(certificate), candidate(certificate)], options), [2]);
});

Deno.test("plan() puts together all that fails alike where it is many at once", () => {
  const storm = [
    ...several(8_000, { ageMs: 5_000 }),
    ...several(2_000, { reason: "timeout", ageMs: 5_000 }),
  ];
  assertEquals(sizes(storm), [8_000, 2_000]);
  assertEquals(sizes(storm, { most: 3_000 }), [3_000, 3_000, 2_000, 2_000]);
  // While they go on, longer each time, up to half a minute.
  assertEquals(sizes(storm, { recentStorms: 1 }), []);
  const late = storm.map((one) => ({ ...one, ageMs: 10_000 }));
  assertEquals(sizes(late, { recentStorms: 1 }), [8_000, 2_000]);
  assertEquals(sizes(late, { recentStorms: 9 }), []);
  assertEquals(sizes(late.map((one) => ({ ...one, ageMs: 30_000 })), { recentStorms: 9 }), [
    8_000,
    2_000,
  ]);
});

Deno.test("plan() sends what was tried as it went, under its key", () => {
  const key = "key-of-both";
  const [message] = plan(several(2, { key, attempts: 3 }), {
    groupWaitMs: 30_000,
    sitesAt: () => 9,
    threads: new Map(),
    recentStorms: 0,
    hasThreads: true,
    most: 1,
  });
  assertEquals([message!.key, message!.attempts, message!.ids.length], [key, 3, 2]);
});

Deno.test("plan() says the end of what opened together as it comes, with longer waits", () => {
  const over = { event: "resolved" as const, thread: "t" };
  const thread = (changes: Partial<Thread>) =>
    new Map([["t", { resolutions: 0, left: 5, size: 9, ...changes }]]);
  const after = (ageMs: number, changes: Partial<Thread>) =>
    sizes(several(2, { ...over, ageMs }), { threads: thread(changes) });
  assertEquals(after(4_000, {}), []);
  assertEquals(after(5_000, {}), [2]);
  assertEquals(after(15_000, { resolutions: 2 }), []);
  assertEquals(after(60_000, { resolutions: 20 }), [2]);
  // Nobody else is waited for.
  assertEquals(after(0, { left: 0 }), [2]);
  assertEquals(sizes([candidate({ ...over })], { threads: thread({ size: 1 }) }), [1]);
});

Deno.test("plan() says many ends together, unless each belongs to a message of its own", () => {
  const ends = several(50).map((one) => ({ ...one, event: "resolved" as const }));
  assertEquals(sizes(ends), [50]);
  assertEquals(sizes(ends, { hasThreads: true }), Array(50).fill(1));
});

Deno.test("plan() says opening and end in one without a wait, together where many are alike", () => {
  const both = { event: "resolved" as const, includesOpening: true };
  assertEquals(sizes([candidate(both)]), [1]);
  assertEquals(sizes(several(500, both)), [500]);
});
