import { assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { replay, type ReplayFilter } from "../../../db/restore/replay.ts";
import { ResultStore } from "../../../db/store/store.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
import { encode } from "../../../wire/encode.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

const GONE = [
  "null_value",
  "empty_value",
  "too_large",
  "bad_utf8",
  "bad_json",
  "not_an_object",
  "missing_field",
  "wrong_type",
  "bad_value",
  "nul_character",
  "ts_out_of_range",
  "key_taken",
  "store_failed",
];

/** Sets a value aside, as offset `n`. */
async function setAside(
  { rows }: OwnDatabase,
  n: number,
  reason: string,
  value: string | null,
): Promise<void> {
  await rows(
    `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
     VALUES ('cluster', 'monitoring', 0, $1, $2, $3, 'as it was')`,
    [n, value === null ? null : Buffer.from(value), reason],
  );
}

async function replayed(database: OwnDatabase, filter: ReplayFilter = {}) {
  const store = new ResultStore(database.pool, { log: recordingLog() });
  return await replay(database.pool, store, filter);
}

/** The letters' reasons, with "+" where they are marked. */
async function letters({ rows }: OwnDatabase): Promise<string[]> {
  const found = await rows(
    `SELECT reason || CASE WHEN replayed_at IS NULL THEN '' ELSE '+' END AS letter
     FROM dead_letters ORDER BY "offset"`,
  );
  return found.map(({ letter }) => letter);
}

Deno.test("replay() stores letters of every reason whose cause is gone, once", async () => {
  await using database = await ownDatabase();
  for (const [n, reason] of GONE.entries()) {
    await setAside(database, n, reason, encode(result(n)));
  }
  const results = () => database.value("SELECT count(*)::int FROM check_results");

  const dry = await replayed(database, { dryRun: true });
  assertEquals(dry, { stored: GONE.length, expired: 0, failed: {}, unreadable: 0 });
  assertEquals([await letters(database), await results()], [GONE, 0]);

  assertEquals((await replayed(database, { reason: "key_taken" })).stored, 1);
  assertEquals(await results(), 1);
  assertEquals((await replayed(database, { since: "1h" })).stored, GONE.length - 1);
  assertEquals(await letters(database), GONE.map((reason) => `${reason}+`));
  assertEquals(await results(), GONE.length);

  const marked = await database.rows("SELECT id, replayed_at FROM dead_letters ORDER BY id");
  const again = await replayed(database);
  assertEquals(again, { stored: 0, expired: 0, failed: {}, unreadable: 0 });
  assertEquals(
    await database.rows("SELECT id, replayed_at FROM dead_letters ORDER BY id"),
    marked,
  );
  assertEquals(await database.value("SELECT count(*)::int FROM rollup_marks") !== 0, true);
});

Deno.test("replay() leaves what fails still, and says why it does now", async () => {
  await using database = await ownDatabase();
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  await setAside(database, 1, "bad_json", "{");
  await setAside(database, 2, "bad_json", "[]");
  await setAside(database, 3, "null_value", null);
  await setAside(database, 4, "store_failed", encode(result(1, { responseCode: 500 })));
  await setAside(database, 5, "bad_json", encode(result(9e9)));
  await setAside(database, 6, "bad_batch", "bytes");
  await setAside(database, 7, "bad_json", encode(result(7)));
  await setAside(database, 8, "bad_json", encode(result(1)));
  assertEquals(await replayed(database), {
    stored: 2,
    expired: 0,
    failed: { bad_json: 1, not_an_object: 1, null_value: 1, ts_out_of_range: 1, key_taken: 1 },
    unreadable: 1,
  });
  assertEquals(await letters(database), [
    "bad_json",
    "not_an_object",
    "null_value",
    "key_taken",
    "ts_out_of_range",
    "bad_batch",
    "bad_json+",
    "bad_json+",
  ]);
  const changed = await database.rows(
    `SELECT "offset" FROM dead_letters WHERE detail <> 'as it was' ORDER BY 1`,
  );
  assertEquals(changed.map(({ offset }) => offset), ["2", "4", "5"]);
});

Deno.test("replay() of what the database refuses leaves it until it does not", async () => {
  await using database = await ownDatabase();
  await database.rows(
    "ALTER TABLE check_results ADD CONSTRAINT odd CHECK (response_code <> 299)",
  );
  const messages = [result(1), result(2, { responseCode: 299 })];
  for (const [n, message] of messages.entries()) {
    await setAside(database, n, "store_failed", encode(message));
  }
  const failing = await replayed(database);
  assertEquals([failing.stored, failing.failed], [1, { store_failed: 1 }]);
  assertEquals((await replayed(database)).failed, { store_failed: 1 });
  await database.rows("ALTER TABLE check_results DROP CONSTRAINT odd");
  assertEquals((await replayed(database)).stored, 1);
  assertEquals(await letters(database), ["store_failed+", "store_failed+"]);
});

Deno.test("replay() marks a letter in the transaction that stores its result", async () => {
  await using database = await ownDatabase();
  await setAside(database, 1, "bad_json", encode(result(1)));
  await database.rows(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
       $$BEGIN RAISE 'No marks' USING ERRCODE = '55000'; END$$;
     CREATE TRIGGER refuse BEFORE UPDATE ON dead_letters FOR EACH ROW EXECUTE FUNCTION refuse()`,
  );
  await assertRejects(() => replayed(database), Error, "No marks");
  assertEquals(await database.value("SELECT count(*)::int FROM check_results"), 0);
  await database.rows("DROP TRIGGER refuse ON dead_letters");
  assertEquals((await replayed(database)).stored, 1);
});

Deno.test("replay() counts letters of days that the retention has dropped, and leaves them", async () => {
  await using database = await ownDatabase();
  await database.rows("INSERT INTO retention VALUES ('raw', 30, '2026-05-02')");
  await setAside(database, 1, "bad_json", encode(result(1)));
  assertEquals(await replayed(database), { stored: 0, expired: 1, failed: {}, unreadable: 0 });
  assertEquals(await letters(database), ["bad_json"]);
  await assertRejects(() => replayed(database, { since: "some day" }), UsageError, '"--since"');
});
