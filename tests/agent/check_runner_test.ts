import { assertEquals } from "@std/assert";
import { CheckRunner, type CheckRunnerDeps } from "../../agent/check_runner.ts";
import type { HttpClient, HttpRecord } from "../../agent/http/types.ts";
import { newStats } from "../../agent/stats.ts";
import { Timestamps } from "../../agent/timestamps.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { checkDeps, clients, response, site } from "./support.ts";

/** A runner over a client whose exchanges end when they are told to, and what it put into the outbox. */
function runner(maxChecks = 2, values: Partial<CheckRunnerDeps> = {}) {
  const clock = new FakeClock();
  const log = recordingLog();
  const stats = newStats();
  const exchanges: ((record: HttpRecord) => void)[] = [];
  const client: HttpClient = (_, signal) =>
    new Promise((resolve) => {
      exchanges.push(resolve);
      signal.addEventListener("abort", () => {
        resolve(response({ status: null, error: { class: "aborted", message: "cut" } }));
      });
    });
  const added: string[] = [];
  const kept: Record<string, string>[] = [];
  const it = new CheckRunner({
    ...checkDeps(client, { clock }),
    log,
    stats,
    maxChecks,
    timestamps: new Timestamps(clock, { generation: 5, highWaterMs: 0 }),
    outbox: {
      add: ({ key }) => void added.push(key),
      keep: (meta) => void kept.push({ ...meta }),
      waiting: 3,
      dropped: 4,
    },
    ...values,
  });
  return { it, clock, log, stats, exchanges, added, kept };
}

Deno.test("CheckRunner keeps the timestamps' state with each result", async () => {
  const { it, clock, exchanges, added, kept, stats } = runner();
  const running = it.run(site({ name: "front", url: "http://a.test/" }), clock.monotonic());
  await clock.advance(0);
  exchanges[0]!(response());
  await running;
  assertEquals(added, ["http://a.test/"]);
  assertEquals(kept, [{
    timestamp_generation: "5",
    timestamp_high_water_ms: String(clock.now()),
  }]);
  assertEquals([stats.checked, stats.waiting, stats.dropped], [1, 3, 4]);
});

Deno.test("CheckRunner counts who waits for a place, and how late that makes them", async () => {
  const { it, clock, exchanges, stats } = runner(2);
  const due = clock.monotonic();
  const all = [1, 2, 3].map((i) => it.run(site({ url: `http://a.test/${i}` }), due));
  await clock.advance(500);
  assertEquals([stats.inFlight, stats.waitingForPlace, exchanges.length], [2, 1, 2]);
  exchanges[0]!(response());
  await clock.advance(0);
  assertEquals([stats.inFlight, stats.waitingForPlace, exchanges.length], [2, 0, 3]);
  exchanges[1]!(response());
  exchanges[2]!(response());
  await Promise.all(all);
  assertEquals([stats.inFlight, stats.late, stats.lateness.sum], [0, 1, 500]);
});

Deno.test("CheckRunner.drain() waits for what is under way and starts nothing that waits", async () => {
  const { it, clock, exchanges, added } = runner(1);
  void it.run(site({ url: "http://a.test/1" }), clock.monotonic());
  void it.run(site({ url: "http://a.test/2" }), clock.monotonic());
  await clock.advance(0);
  const drained = it.drain();
  exchanges[0]!(response());
  await drained;
  assertEquals([exchanges.length, added], [1, ["http://a.test/1"]]);
});

Deno.test("CheckRunner.cut() ends what is under way without results", async () => {
  const { it, clock, stats, added } = runner(2);
  void it.run(site({ url: "http://a.test/1" }), clock.monotonic());
  void it.run(site({ url: "http://a.test/2" }), clock.monotonic());
  await clock.advance(0);
  it.cut();
  await it.drain();
  assertEquals([stats.cut, stats.checked, added], [2, 0, []]);
  assertEquals(clock.pending, 0);
});

Deno.test("CheckRunner logs the agent's own trouble at once, then once a minute", async () => {
  const error = { class: "no_route", message: "This machine has no network" } as const;
  const { it, clock, log, stats } = runner(2, {
    clients: clients(() => Promise.resolve(response({ status: null, error }))),
  });
  for (let i = 0; i < 5; i++) await it.run(site(), clock.monotonic());
  assertEquals(log.lines.map(({ fields }) => fields.count), [1]);
  await clock.advance(60_000);
  assertEquals(log.lines.map(({ level, fields }) => [level, fields]), [
    ["error", { count: 1, url: "http://site.test/", error: error.message }],
    ["error", { count: 4, url: "http://site.test/", error: error.message }],
  ]);
  assertEquals(stats.verdicts.unknown, 5);
  it.cut();
  assertEquals(clock.pending, 0);
});
