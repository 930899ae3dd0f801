import { assertEquals } from "@std/assert";
import { CheckRunner, type CheckRunnerDeps } from "../../../agent/check/check_runner.ts";
import type { HttpClient, HttpRecord } from "../../../agent/http/types.ts";
import { Limiter } from "../../../agent/condition/limiter.ts";
import { Turn } from "../../../agent/due_times.ts";
import { AgentStats } from "../../../agent/stats.ts";
import { Timestamps } from "../../../agent/check/timestamps.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { checkDeps, clients, obeys, response, site } from "../support.ts";

/** A turn that is due now; the others are an hour away. */
function turn(clock: FakeClock, frequencyMs = 3_600_000): Turn {
  const due = clock.monotonic();
  return new Turn(clock, { anchor: due, frequencyMs, stepMs: 10 }, due);
}

/** A runner over a client whose exchanges end when they are told to, and what it put into the outbox. */
function runner(maxChecks = 2, values: Partial<CheckRunnerDeps> = {}) {
  const clock = new FakeClock();
  const log = recordingLog();
  const stats = new AgentStats();
  const exchanges: ((record: HttpRecord) => void)[] = [];
  const client: HttpClient = (_, signal) =>
    new Promise((resolve) => {
      exchanges.push(resolve);
      signal.addEventListener("abort", () => {
        resolve(response({ status: null, error: { class: "aborted", message: "cut" } }));
      });
    });
  const added: string[] = [];
  const messages: ResultMessage[] = [];
  const kept: Record<string, string>[] = [];
  const it = new CheckRunner({
    ...checkDeps(client, { clock }),
    log,
    stats,
    places: new Limiter(maxChecks),
    timestamps: new Timestamps(clock, { generation: 5, highWaterMs: 0 }),
    outbox: {
      add: ({ key, value }) => {
        added.push(key);
        messages.push(JSON.parse(value));
      },
      keep: (meta) => void kept.push({ ...meta }),
      waiting: 3,
      dropped: 4,
    },
    ...values,
  });
  return { it, clock, log, stats, exchanges, added, messages, kept };
}

Deno.test("CheckRunner keeps the timestamps' state with each result", async () => {
  const { it, clock, exchanges, added, kept, stats } = runner();
  const running = it.run(site({ name: "front", url: "http://a.test/" }), turn(clock));
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
  const all = [1, 2, 3].map((i) => it.run(site({ url: `http://a.test/${i}` }), turn(clock)));
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

Deno.test("CheckRunner.drain() waits for what is under way; what waits for a place was missed", async () => {
  const { it, clock, exchanges, messages } = runner(1);
  void it.run(site({ url: "http://a.test/1" }), turn(clock));
  void it.run(site({ url: "http://a.test/2" }), turn(clock));
  await clock.advance(0);
  const drained = it.drain();
  exchanges[0]!(response());
  await drained;
  assertEquals(exchanges.length, 1);
  assertEquals(messages.map(({ url, verdict, reason }) => [url, verdict, reason]), [
    ["http://a.test/1", "up", undefined],
    ["http://a.test/2", "unknown", "local_late"],
  ]);
  it.cut();
});

Deno.test("CheckRunner lets a check answer for the last due time that passed while it waited", async () => {
  const { it, clock, exchanges, messages, stats } = runner(1);
  void it.run(site({ url: "http://a.test/1" }), turn(clock));
  const waiting = it.run(site({ url: "http://a.test/2", frequencyMs: 1_000 }), turn(clock, 1_000));
  await clock.advance(3_500);
  exchanges[0]!(response());
  await clock.advance(2_000);
  exchanges[1]!(response());
  await waiting;
  const ofSecond = messages.filter(({ url }) => url === "http://a.test/2");
  assertEquals(
    ofSecond.map(({ ts, scheduledAt, slots, reason }) => [ts, scheduledAt, slots, reason]),
    [
      ["2026-01-01 00:00:00.000005", "2026-01-01 00:00:00.000005", 3, "local_late"],
      ["2026-01-01 00:00:03.500005", "2026-01-01 00:00:03.000005", 3, undefined],
    ],
  );
  assertEquals([stats.skipped, stats.late], [5, 1]);
  it.cut();
});

Deno.test("CheckRunner lets no site wait for those that hang, once it knows them", async () => {
  const clock = new FakeClock();
  const hangs = Array.from({ length: 1_000 }, (_, i) => site({ url: `http://hang.test/${i}` }));
  const fine = site({ url: "http://fine.test/" });
  const hang = obeys();
  const client: HttpClient = (request, signal) =>
    request.url.includes("hang") ? hang(request, signal) : Promise.resolve(response());
  const { it, stats } = runner(900, { ...checkDeps(client, { clock }), clock });
  const patient = hangs.map((one) => ({ ...one, timeoutMs: 120_000 }));
  const round = () => Promise.all(patient.map((one) => it.run(one, turn(clock))));
  const first = round();
  await clock.advance(240_000);
  await first;
  const second = round();
  await clock.advance(1_000);
  assertEquals([stats.inFlight, stats.waitingForPlace], [675, 325]);
  const { checked } = stats;
  for (let i = 0; i < 100; i++) await it.run(fine, turn(clock));
  assertEquals(stats.checked - checked, 100);
  await clock.advance(240_000);
  await second;
  it.cut();
});

Deno.test("CheckRunner.missed() gives a result for each hour of the clock", () => {
  const { it, clock, messages } = runner();
  clock.stall(6_000_000); // until 01:40
  it.missed(site({ frequencyMs: 600_000 }), { due: clock.monotonic() - 5_400_000, slots: 9 });
  assertEquals(messages.map(({ ts, slots, verdict }) => [ts, slots, verdict]), [
    ["2026-01-01 00:10:00.000005", 5, "unknown"],
    ["2026-01-01 01:00:00.000005", 4, "unknown"],
  ]);
  it.cut();
});

Deno.test("CheckRunner.cut() ends what is under way without results", async () => {
  const { it, clock, stats, added } = runner(2);
  void it.run(site({ url: "http://a.test/1" }), turn(clock));
  void it.run(site({ url: "http://a.test/2" }), turn(clock));
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
  for (let i = 0; i < 5; i++) await it.run(site(), turn(clock));
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
