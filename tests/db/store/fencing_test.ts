import { assert, assertEquals, assertRejects } from "@std/assert";
import { createPool } from "../../../db/connect/pool.ts";
import { waitFor } from "../../../local/wait.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

const BLOCKED = `SELECT count(*)::int FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'`;

/** Transactions that wait for their writer. */
const OPEN = `SELECT count(*)::int FROM pg_stat_activity
  WHERE datname = current_database() AND state LIKE 'idle in transaction%'`;

async function isBlocked({ value }: OwnDatabase): Promise<boolean> {
  return await value(BLOCKED) === 1;
}

Deno.test("storeBatch() waits for a writer that is in the middle of the partition", async () => {
  await using database = await ownDatabase();
  const store = new OwnStore(database.pool, { log: recordingLog() });
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  const zombie = await database.pool.connect();
  await zombie.query("BEGIN");
  await zombie.query("UPDATE consumer_offsets SET next_offset = 3");
  const waiting = store.storeBatch(SOURCE, records(1, [2, 3, 4].map((n) => result(n))), 1n);
  await waitFor("the second writer to wait", () => isBlocked(database), 60_000);
  await zombie.query("COMMIT");
  zombie.release();
  const outcome = await waiting;
  assertEquals(outcome.kind === "stored" && [outcome.skipped, outcome.inserted], [2, 1]);
});

/** A query of pg's, or a trip of several statements: it answers by `callback`. */
type Query = string | { statements: { text: string }[]; callback(...answer: unknown[]): void };

/** Hands out connections that freeze around the statement with `words`: before it, or after its answer. */
function freezing({ pool }: OwnDatabase, words: string, when: "before" | "after") {
  const frozen = Promise.withResolvers<void>();
  const thaw = Promise.withResolvers<void>();
  const freeze = () => {
    frozen.resolve();
    return thaw.promise;
  };
  const connect = async () => {
    const client = await pool.connect();
    const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
    const slow = async (asked: Query, ...more: unknown[]) => {
      const texts = typeof asked === "string" ? [asked] : asked.statements.map(({ text }) => text);
      const isIt = texts.some((text) => text.includes(words));
      if (isIt && when === "before") await freeze();
      if (isIt && when === "after" && typeof asked !== "string") {
        const answer = asked.callback;
        asked.callback = async (...given) => answer(...(await freeze(), given));
      }
      const answer = await query(asked, ...more);
      if (isIt && when === "after" && typeof asked === "string") await freeze();
      return answer;
    };
    return { query: slow, release: client.release.bind(client) };
  };
  const slowPool = { connect } as unknown as typeof pool;
  return { pool: slowPool, frozen: frozen.promise, thaw: thaw.resolve };
}

for (const when of ["before", "after"] as const) {
  Deno.test(`storeBatch() of a writer that froze ${when} its call holds nobody up, and stores nothing twice`, async () => {
    await using database = await ownDatabase();
    const log = recordingLog();
    const store = new OwnStore(database.pool, { log });
    await store.readOffset(SOURCE);
    await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
    const ice = freezing(database, "httpmon_store(", when);
    const batch = records(1, [result(2), result(3)]);
    const zombies = new OwnStore(ice.pool, { log }).storeBatch(SOURCE, batch, 1n);
    await ice.frozen;

    assertEquals(await database.value(OPEN), 0);
    const outcome = await store.storeBatch(SOURCE, batch, 1n);
    assertEquals(
      outcome.kind === "stored" && [outcome.inserted, outcome.skipped],
      {
        before: [2, 0],
        after: [0, 2],
      }[when],
    );
    ice.thaw();
    const late = await zombies;
    assertEquals(
      late.kind === "stored" && [late.inserted, late.skipped],
      {
        before: [0, 2],
        after: [2, 0],
      }[when],
    );
    assertEquals(await database.value("SELECT count(*)::int FROM check_results"), 3);
    assertEquals((await store.readOffset(SOURCE))?.nextOffset, 3n);
  });
}

Deno.test("moveOffset() of a writer that froze in its transaction comes to nothing", async () => {
  await using database = await ownDatabase();
  const log = recordingLog();
  const store = new OwnStore(database.pool, { log });
  await store.readOffset(SOURCE);
  await store.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  const ice = freezing(database, "UPDATE consumer_offsets", "after");
  // Longer than it takes from one statement to the next.
  const zombie = new OwnStore(ice.pool, { log, idleInTransactionMs: 3_000 });
  const moving = assertRejects(() => zombie.moveOffset(SOURCE, 1n, 0n));
  await ice.frozen;

  const outcome = await store.storeBatch(SOURCE, records(1, [result(2), result(3)]), 1n);
  assertEquals(outcome.kind === "stored" && [outcome.inserted, outcome.skipped], [2, 0]);
  ice.thaw();
  assert(await moving instanceof Error);
  assertEquals((await store.readOffset(SOURCE))?.nextOffset, 3n);
});

Deno.test("storeBatch() survives backends that are terminated under it", async () => {
  await using database = await ownDatabase({ max: 1 });
  const log = recordingLog();
  const pool = createPool(database.dsn, { max: 6, applicationName: "doomed", log });
  await using _ = { [Symbol.asyncDispose]: () => pool.end() };
  const store = new OwnStore(pool, { log });
  let [storing, failures, results] = [true, 0, 0];
  const killing = (async () => {
    // Enough of it is enough, else it could take for ever.
    while (storing && failures <= 40) {
      await database.rows(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'doomed' AND state <> 'idle'`,
      );
    }
  })();
  await Promise.all([0, 1, 2].map(async (partition) => {
    const source = { ...SOURCE, partition };
    for (let start = 0; start < 400 || failures < 3; start += 50) {
      const messages = Array.from({ length: 50 }, (_, n) => result((start + n) * 3 + partition));
      const tries = async () => {
        try {
          if (start === 0) await store.readOffset(source);
          await store.storeBatch(source, records(start, messages), BigInt(start));
          return true;
        } catch {
          failures++;
          return false;
        }
      };
      await waitFor("the batch to be stored", tries, 60_000, 5);
      results += messages.length;
    }
  }));
  storing = false;
  await killing;
  assertEquals(await database.value("SELECT count(*)::int FROM check_results"), results);
  assertEquals(await database.value("SELECT count(*)::int FROM dead_letters"), 0);
});
