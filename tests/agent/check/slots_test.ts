/** Every due time is answered for, whatever happens: the slots of any site and hour add up. */
import { assert, assertEquals } from "@std/assert";
import { CheckRunner } from "../../../agent/check/check_runner.ts";
import { hashFraction } from "../../../agent/hash.ts";
import type { HttpClient } from "../../../agent/http/types.ts";
import { LoopWatch } from "../../../agent/condition/loop_watch.ts";
import { Limiter } from "../../../agent/condition/limiter.ts";
import { Schedule } from "../../../agent/schedule.ts";
import { AgentStats } from "../../../agent/stats.ts";
import { Timestamps, type TimestampState } from "../../../agent/check/timestamps.ts";
import { type Site, siteId } from "../../../config/types.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { parseTimestamp } from "../../../wire/timestamp.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { checkDeps, obeys, response, site } from "../support.ts";

const HOUR_MS = 3_600_000;

/** Sites that answer in `ms`, or hang where it is null. */
function client(): HttpClient {
  const hangs = obeys();
  return (request, signal) => {
    const ms = /\d+/.exec(new URL(request.url).pathname)?.[0];
    if (ms === undefined) return hangs(request, signal);
    return new Promise((resolve) =>
      void clockOf.current.after(Number(ms), () => resolve(response()))
    );
  };
}
/** The client is asked within one test at a time. */
const clockOf = { current: new FakeClock() };

/** A result, and when it was ready. */
type Result = ResultMessage & { at: number };

/** An agent from its schedule to its outbox. */
function agent(clock: FakeClock, places: number, state: TimestampState) {
  clockOf.current = clock;
  const messages: Result[] = [];
  const loop = new LoopWatch(clock);
  loop.start();
  const timestamps = new Timestamps(clock, state);
  const runner = new CheckRunner({
    ...checkDeps(client(), { clock, loop }),
    log: recordingLog(),
    stats: new AgentStats(),
    places: new Limiter(places),
    timestamps,
    outbox: {
      add: ({ value }) => void messages.push({ ...JSON.parse(value), at: clock.now() }),
      keep: () => {},
      waiting: 0,
      dropped: 0,
    },
  });
  const schedule = new Schedule<{ id: string; frequencyMs: number; site: Site }>({
    clock,
    run: ({ site }, turn) => runner.run(site, turn),
    onMissed: ({ site }, missed) => runner.missed(site, missed),
  });
  const replace = (sites: readonly Site[]) =>
    schedule.replace(sites.map((one) => ({
      id: siteId(one),
      frequencyMs: one.frequencyMs,
      site: one,
    })));
  /** Lets checks under way end, as those do that obey their timeout. */
  const stop = async () => {
    schedule.stop();
    const drained = runner.drain();
    await clock.advance(600_000);
    await drained;
    runner.cut();
    loop.stop();
    return messages;
  };
  return { replace, start: () => schedule.start(), stop, timestamps, messages };
}

const wallOf = (timestamp: string) => Number(parseTimestamp(timestamp)! / 1_000n);
const slotsIn = (messages: readonly ResultMessage[]) =>
  messages.reduce((sum, { slots = 1 }) => sum + slots, 0);

/** Due times of a site after `from` and up to `to`, wall clock: its place in the interval, each time. */
function dueTimes({ url, frequencyMs }: Site, from: number, to: number): number[] {
  const first = Math.floor((from - hashFraction(url) * frequencyMs) / frequencyMs) + 1;
  const due: number[] = [];
  for (let n = first;; n++) {
    const at = Math.ceil((n + hashFraction(url)) * frequencyMs / 10) * 10;
    if (at > to) return due.filter((each) => each > from);
    due.push(at);
  }
}

/**
 * Holds a site's results of one run of the agent against its due times: the first, at once, then each
 * at its place, until the last that a result answers for.
 *
 * @param end Wall clock: when no check started any more
 */
function assertAnswered(one: Site, messages: readonly Result[], end: number): void {
  const results = messages.filter(({ url }) => url === one.url);
  assert(results.length > 0, one.url);
  assertEquals(new Set(results.map(({ ts }) => ts)).size, results.length, "no timestamp twice");
  const first = Math.min(...results.map(({ scheduledAt }) => wallOf(scheduledAt!)));
  const last = Math.max(end, ...results.map(({ at }) => at));
  // A check that went on after the end may have answered for what came due meanwhile.
  const due = dueTimes(one, first, last);
  const least = 1 + dueTimes(one, first, end).length;
  const slots = slotsIn(results);
  assert(slots >= least && slots <= 1 + due.length, `${one.url}: ${slots} of ${1 + due.length}`);

  for (let hour = Math.ceil(first / HOUR_MS) * HOUR_MS; hour + HOUR_MS <= end; hour += HOUR_MS) {
    const within = results.filter(({ ts }) => wallOf(ts) >= hour && wallOf(ts) < hour + HOUR_MS);
    const expected = dueTimes(one, hour - 1, hour + HOUR_MS - 1).length;
    // A check that runs from one hour into the next answers in the one that it began in.
    const astride = one.timeoutMs / one.frequencyMs;
    const off = Math.abs(slotsIn(within) - expected);
    assert(off <= astride, `${one.url}: ${slotsIn(within)} of ${expected} in an hour`);
  }
}

function fleet(): Site[] {
  const of = (path: string, frequencyMs: number, timeoutMs: number) =>
    site({ url: `http://${path.replace("/", "-")}.test/${path}`, frequencyMs, timeoutMs });
  return [
    of("quick/20", 1_000, 900),
    of("fine/100", 60_000, 10_000),
    of("fine/300", 60_000, 10_000),
    of("slow/2500", 1_000, 10_000),
    of("hang", 60_000, 120_000),
    of("hang/on", 7_000, 30_000),
    of("rare/50", 3_600_000, 10_000),
    of("odd/50", 1_234.5, 1_000),
  ].map((one) => ({ ...one, url: one.url.replace("hang/on", "hang") }));
}

const STATE = { generation: 1, highWaterMs: 0 };

Deno.test("the slots add up where sites hang", async () => {
  const clock = new FakeClock();
  const { replace, start, stop } = agent(clock, 100, STATE);
  replace(fleet());
  start();
  await clock.advance(3 * HOUR_MS);
  const end = clock.now();
  const messages = await stop();
  for (const one of fleet()) assertAnswered(one, messages, end);
  const hangs = messages.filter(({ url }) => url.endsWith("/hang"));
  assert(hangs.some(({ slots = 1 }) => slots === 3), "120 s each 60 s are three due times or two");
  assert(messages.every(({ verdict }) => verdict !== "unknown"));
});

Deno.test("the slots add up where the loop stands still, for a moment and for hours", async () => {
  const clock = new FakeClock();
  const { replace, start, stop, messages } = agent(clock, 100, STATE);
  replace(fleet());
  start();
  for (const stallMs of [700, 1_900, 2_500, 9_000, 61_000, 600_000, 3 * HOUR_MS, 30_000]) {
    await clock.advance(400_000);
    clock.stall(stallMs);
  }
  await clock.advance(HOUR_MS);
  const end = clock.now();
  await stop();
  for (const one of fleet()) assertAnswered(one, messages, end);
  const late = messages.filter(({ reason }) => reason === "local_late");
  assert(late.length > 0);
  for (const { ts, verdict, slots = 1, url } of late) {
    assertEquals(verdict, "unknown");
    const { frequencyMs } = fleet().find((one) => one.url === url)!;
    const from = wallOf(ts);
    assert(Math.floor(from / HOUR_MS) === Math.floor((from + (slots - 1) * frequencyMs) / HOUR_MS));
  }
});

Deno.test("the slots add up where there are too few places", async () => {
  const clock = new FakeClock();
  const { replace, start, stop, messages } = agent(clock, 2, STATE);
  replace(fleet());
  start();
  await clock.advance(2 * HOUR_MS);
  const end = clock.now();
  await stop();
  for (const one of fleet()) {
    // What waits for a place has its results when it gets it.
    assertAnswered({ ...one, timeoutMs: 300_000 }, messages, end);
  }
  assert(messages.some(({ reason }) => reason === "local_late"));
});

Deno.test("the slots add up over reloads: each site's, as long as it is there", async () => {
  const clock = new FakeClock();
  const { replace, start, stop, messages } = agent(clock, 100, STATE);
  const [gone, ...kept] = fleet();
  const added = site({ url: "http://added.test/30", frequencyMs: 5_000 });
  replace([gone!, ...kept]);
  start();
  await clock.advance(1_000_000);
  const goneAt = clock.now();
  replace(kept);
  await clock.advance(500_000);
  replace([...kept, added].reverse());
  await clock.advance(HOUR_MS);
  const end = clock.now();
  await stop();
  for (const one of [...kept, added]) assertAnswered(one, messages, end);
  assertAnswered(gone!, messages, goneAt);
});

Deno.test("the slots add up over a reload that changes how often", async () => {
  const clock = new FakeClock();
  const { replace, start, stop, messages } = agent(clock, 100, STATE);
  const before = site({ url: "http://a.test/50", frequencyMs: 60_000 });
  const after = { ...before, frequencyMs: 7_000 };
  replace([before]);
  start();
  await clock.advance(1_000_000);
  const changedAt = clock.now();
  replace([after]);
  await clock.advance(1_000_000);
  const end = clock.now();
  await stop();
  const of = (frequency: number) => messages.filter((message) => message.frequency === frequency);
  assertAnswered(before, of(60), changedAt);
  assertAnswered(after, of(7), end);
});

Deno.test("the slots add up in each run of an agent that restarts; between them nobody observes", async () => {
  const clock = new FakeClock();
  let state: TimestampState = STATE;
  const seen = new Set<string>();
  for (const downMs of [0, 200_000, 2 * HOUR_MS]) {
    const { replace, start, stop, timestamps } = agent(clock, 100, state);
    const startedAt = clock.now();
    replace(fleet());
    start();
    await clock.advance(HOUR_MS + 1_234_567);
    const end = clock.now();
    const messages = await stop();
    for (const one of fleet()) assertAnswered(one, messages, end);
    for (const { ts, url } of messages) {
      assert(wallOf(ts) >= startedAt && !seen.has(`${ts} ${url}`), `${ts} ${url}`);
      seen.add(`${ts} ${url}`);
    }
    state = timestamps.state();
    await clock.advance(downMs);
  }
});
