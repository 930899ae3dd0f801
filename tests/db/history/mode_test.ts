import { assert, assertEquals, assertMatch } from "@std/assert";
import { keepHistory } from "../../../db/history/keep_history.ts";
import { maintainMode } from "../../../db/history/mode.ts";
import { ensurePartitions } from "../../../db/schema/partitions.ts";
import { waitFor } from "../../../local/wait.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { formatTimestamp } from "../../../wire/timestamp.ts";
import { modeHere } from "../../support/program/mode_here.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";
import { testRoles } from "../roles.ts";
import { DAY_MS, HOUR_MS, KEEP } from "./fixture.ts";

const SITE = "https://one.example/";

/** Stores a result an hour of the last two days as a writer does; the last but one is down. */
async function stored({ pool }: OwnDatabase): Promise<void> {
  const store = new OwnStore(pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  const now = Date.now();
  const days = [0, 1, 2].map((ago) => new Date(now - ago * DAY_MS).toISOString().slice(0, 10));
  await ensurePartitions(pool, days);
  const messages = Array.from({ length: 48 }, (_, i) =>
    result(0, {
      ts: formatTimestamp(BigInt(now - i * HOUR_MS) * 1000n),
      verdict: i === 1 ? "down" : "up",
      responseTime: 100 + i,
    }));
  const outcome = await store.storeBatch(SOURCE, records(0, messages), 0n);
  assertEquals(outcome.kind === "stored" && outcome.inserted, 48);
}

const QUESTION = `SELECT httpmon_uptime('${SITE}', now() - interval '1 day', now()) AS day,
  httpmon_uptime('${SITE}', '-infinity', 'infinity') AS ever,
  round(httpmon_percentile('${SITE}', 0.5, now() - interval '1 day', now())) AS median`;

async function assertAnswers({ rows }: OwnDatabase): Promise<void> {
  assertEquals(await rows(QUESTION), [{ day: 23 / 24, ever: 47 / 48, median: 110 }]);
}

Deno.test("httpmon maintain rolls up what a writer stored, and says so", async () => {
  await using database = await ownDatabase();
  await stored(database);
  await assertAnswers(database);
  const content = { database: { dsn: database.dsn, retention: { raw: 1, hourly: 400 } } };
  const maintain = async (...options: string[]) => {
    const { code, stdout, stderr } = await modeHere(
      maintainMode,
      ["maintain", ...options],
      content,
    );
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };
  assertMatch(
    await maintain("--dry-run"),
    /^Would roll up 4[78] hours of sites; [01] are not over yet\nWould drop [1-9]\d* partitions of "check_results" from before [\d-]+, \d\.\d MB\n/,
  );
  assertEquals(await database.value("SELECT count(*)::int FROM rollup_hourly"), 0);
  const said = await maintain();
  assertMatch(
    said,
    /^Rolled up \d+ hours, days and months of sites\nDropped "check_results_p\d+"\n/,
  );
  await assertAnswers(database);
  assert(await database.value("SELECT count(*)::int FROM rollup_daily") as number >= 1);
});

Deno.test("httpmon maintain tells how far it is, by the clock that it is handed", async () => {
  await using database = await ownDatabase();
  await stored(database);
  const content = { database: { dsn: database.dsn } };
  let ms = 0;
  const clock = { ...systemClock, monotonic: () => ms += 3_000 };
  const { stderr } = await modeHere(maintainMode, ["maintain"], content, { clock });
  assertMatch(
    stderr,
    /^Rolling up (?:hour|day|month)s: at [\d-]+T[\d:.]+Z, \d+ rollups of sites done\n/,
  );
});

Deno.test("keepHistory() keeps the rollups until it is stopped", async () => {
  await using database = await ownDatabase();
  await stored(database);
  const controller = new AbortController();
  const log = recordingLog();
  const { dsn, value } = database;
  const running = keepHistory({
    dsn,
    retention: KEEP,
    clock: systemClock,
    log,
    signal: controller.signal,
  });
  await waitFor(
    "rollups",
    async () => (await value("SELECT count(*)::int FROM rollup_monthly") as number) > 0,
    60_000,
  );
  controller.abort();
  await running;
  assertEquals(log.lines.filter(({ level }) => level !== "debug"), []);
  await assertAnswers(database);
});

Deno.test("keepHistory() says once that a role has not the rights, and ends", async () => {
  await using database = await ownDatabase();
  await using roles = await testRoles(database);
  const log = recordingLog();
  await keepHistory({
    dsn: roles.dsnOf("reader"),
    retention: KEEP,
    clock: systemClock,
    log,
    signal: new AbortController().signal,
  });
  assertEquals(log.lines.map(({ level, message }) => [level, message.slice(0, 62)]), [
    ["error", "Rollups and retention need the rights of the tables' owner; se"],
  ]);
});
