import { assert, assertEquals, assertRejects } from "@std/assert";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createPool } from "../../../db/connect/pool.ts";
import { beginWithin } from "../../../db/connect/transaction.ts";
import { waitFor } from "../../../local/wait.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, result, SOURCE } from "../fixture.ts";

/** A way to the server that can forget connections as a firewall does: no byte, no end, either way. */
async function forgetfulProxy(dsn: string) {
  const target = new URL(dsn);
  const sockets = new Set<Socket>();
  let passing = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      passing.add(from);
      from.on("error", () => {});
      from.on("data", (data) => passing.has(from) && to.write(data));
      from.on("close", () => passing.has(from) && to.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const through = new URL(dsn);
  through.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    dsn: through.href,
    /** New connections pass on. */
    forget: () => void (passing = new Set()),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

Deno.test("storeBatch() fails on a connection that was forgotten, and works with the next", async () => {
  await using database = await ownDatabase();
  const log = recordingLog();
  const first = new OwnStore(database.pool, { log });
  await first.readOffset(SOURCE);
  await first.storeBatch(SOURCE, records(0, [result(1)]), 0n);
  await using proxy = await forgetfulProxy(database.dsn);
  const pool = createPool(proxy.dsn, {
    max: 4,
    applicationName: "httpmon-test",
    queryTimeoutMs: 500,
    log,
  });
  try {
    const store = new OwnStore(pool, { log });
    (await pool.connect()).release();
    proxy.forget();
    const batch = records(1, [result(2)]);
    await assertRejects(() => store.storeBatch(SOURCE, batch, 1n), Error, "Query read timeout");
    // What works has all the time that it needs.
    pool.options.query_timeout = 60_000;
    const outcome = await store.storeBatch(SOURCE, batch, 1n);
    assertEquals(outcome.kind === "stored" && outcome.inserted, 1);
  } finally {
    await pool.end();
  }
});

Deno.test("a writer's pool gives up within half a minute, after the server", async () => {
  const settings = { max: 1, applicationName: "httpmon-test", log: recordingLog() };
  const pool = createPool("postgres://127.0.0.1/db", settings);
  const { query_timeout: here } = pool.options as { query_timeout?: number };
  await pool.end();
  const there = (setting: string) =>
    Number(new RegExp(`${setting} = (\\d+)`).exec(beginWithin({}))?.[1]);
  const order = ["idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"];
  const times = [...order.map(there), here!];
  assertEquals(times, times.toSorted((a, b) => a - b));
  assert(here! <= 30_000);
});

/** Backends of the test's store; what the server has ended is none. */
function backendsOf({ value }: OwnDatabase): Promise<unknown> {
  return value(
    `SELECT count(*)::int FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'waiting' AND state <> 'idle'`,
  );
}

const WORKS: Record<string, (store: OwnStore) => Promise<unknown>> = {
  readOffset: (store) => store.readOffset(SOURCE),
  moveOffset: (store) => store.moveOffset(SOURCE, 1n, 0n),
  ensurePartitionsAhead: (store) => store.ensurePartitionsAhead(),
  storeBatch: (store) => store.storeBatch(SOURCE, records(1, [result(2)]), 1n),
};

for (const [name, work] of Object.entries(WORKS)) {
  Deno.test(`${name}() behind a long lock leaves no backend waiting`, async () => {
    await using database = await ownDatabase();
    const log = recordingLog();
    const first = new OwnStore(database.pool, { log });
    await first.readOffset(SOURCE);
    await first.storeBatch(SOURCE, records(0, [result(1)]), 0n);
    const pool = createPool(database.dsn, {
      max: 4,
      applicationName: "waiting",
      log,
    });
    const holder = await database.pool.connect();
    try {
      await holder.query("BEGIN; LOCK TABLE check_results, consumer_offsets");
      const store = new OwnStore(pool, {
        log,
        // Of days that have no partitions yet.
        clock: new FakeClock({ wall: Date.UTC(2025, 0, 1) }),
        lockTimeoutMs: 200,
      });
      for (let attempt = 0; attempt < 3; attempt++) {
        const error = await assertRejects(() => work(store));
        assertEquals((error as { code?: string }).code, "55P03");
      }
      await waitFor(
        "the server to end what waits",
        async () => await backendsOf(database) === 0,
        60_000,
      );
    } finally {
      holder.release(true);
      await pool.end();
    }
  });
}
