import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createPool, READ_ONLY } from "../../../db/connect/pool.ts";
import { waitFor } from "../../../local/wait.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { otherDsn, ownDatabase } from "../fixture.ts";

Deno.test("createPool() names itself to the server, and takes the DSN's own name first", async () => {
  await using database = await ownDatabase({ empty: true });
  const settings = { max: 1, applicationName: "httpmon-writer", log: recordingLog() };
  for (
    const [dsn, expected] of [
      [database.dsn, "httpmon-writer"],
      [`${database.dsn}?application_name=mine`, "mine"],
    ] as const
  ) {
    const pool = createPool(dsn, settings);
    try {
      const { rows } = await pool.query("SHOW application_name");
      assertEquals(rows, [{ application_name: expected }]);
    } finally {
      await pool.end();
    }
  }
});

Deno.test("createPool() takes key=value DSNs", async () => {
  await using database = await ownDatabase({ empty: true });
  const { hostname, port, username, password, pathname } = new URL(database.dsn);
  const pool = createPool(
    `host=${hostname} port=${port} user=${username} password='${password}' dbname='${
      pathname.slice(1)
    }' options='-c search_path=elsewhere'`,
    { max: 1, applicationName: "httpmon-test", log: recordingLog() },
  );
  try {
    assertEquals((await pool.query("SHOW search_path")).rows, [{ search_path: "elsewhere" }]);
  } finally {
    await pool.end();
  }
});

Deno.test("createPool() with READ_ONLY changes nothing, and keeps the DSN's own options", async () => {
  await using database = await ownDatabase();
  const pool = createPool(`${database.dsn}?options=-c%20search_path%3Dpublic`, {
    max: 1,
    applicationName: "httpmon-test",
    session: READ_ONLY,
    log: recordingLog(),
  });
  try {
    assertEquals((await pool.query("SHOW search_path")).rows, [{ search_path: "public" }]);
    await assertRejects(() => pool.query("DELETE FROM sites"), Error, "read-only transaction");
  } finally {
    await pool.end();
  }
});

Deno.test("a pool survives the loss of idle connections and of those in use", async () => {
  await using database = await ownDatabase({ empty: true });
  const log = recordingLog();
  const pool = createPool(database.dsn, { max: 2, applicationName: "doomed", log });
  const terminate = () =>
    database.rows(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed' AND datname = current_database()",
    );
  try {
    await pool.query("SELECT 1");
    await terminate();
    await waitFor("the loss to be logged", () => log.lines.length > 0, 60_000);
    assertEquals((await pool.query("SELECT 2 AS two")).rows, [{ two: 2 }]);

    const client = await pool.connect();
    const sleeping = assertRejects(() => client.query("SELECT pg_sleep(60)"));
    await waitFor("the sleep to begin", async () => (await terminate()).length > 0, 60_000);
    await sleeping;
    client.release(true);
    const held = await pool.connect();
    const lost = once(held, "error");
    await terminate();
    // Between two statements: nothing but the event tells, and it must not end the process.
    await lost;
    assert(log.lines.length > 1);
    await assertRejects(() => held.query("SELECT 1"));
    held.release(true);
    assertEquals((await pool.query("SELECT 3 AS three")).rows, [{ three: 3 }]);
  } finally {
    await pool.end();
  }
  for (const { level, message } of log.lines) {
    assertEquals([level, message], ["warn", "Lost a connection to the database"]);
  }
});

Deno.test("a pool gives up on a server that does not answer", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  const pool = createPool(`postgres://me:s3cret@127.0.0.1:${port}/db?connect_timeout=1`, {
    max: 1,
    applicationName: "httpmon-test",
    log: recordingLog(),
  });
  try {
    assertEquals(pool.options.connectionTimeoutMillis, 1_000);
    const error = await assertRejects(() => pool.query("SELECT 1"), Error, "timeout");
    assert(!`${error.message}${error.stack}`.includes("s3cret"));
  } finally {
    await pool.end();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  }
});

Deno.test("a pool gives up on a statement that has no answer", async () => {
  await using database = await ownDatabase({ empty: true });
  const pool = createPool(database.dsn, {
    max: 1,
    applicationName: "httpmon-test",
    queryTimeoutMs: 200,
    log: recordingLog(),
  });
  try {
    const client = await pool.connect();
    await assertRejects(() => client.query("SELECT pg_sleep(60)"), Error, "Query read timeout");
    client.release(true);
    // What works has all the time that it needs.
    pool.options.query_timeout = 60_000;
    assertEquals((await pool.query("SELECT 1 AS one")).rows, [{ one: 1 }]);
  } finally {
    await pool.end();
  }
});

Deno.test("a wrong password and an unknown database are errors without the password", async () => {
  await using database = await ownDatabase({ empty: true });
  const missing = new URL(database.dsn);
  missing.pathname = "/no_such_database";
  const role = otherDsn(database.dsn, { user: "no_such_role", password: "s3cret" });
  for (const dsn of [role, missing.href]) {
    const pool = createPool(dsn, { max: 1, applicationName: "httpmon-test", log: recordingLog() });
    try {
      const error = await assertRejects(() => pool.query("SELECT 1"), Error, "no_such");
      assert(!`${error.message}${error.stack}`.includes("s3cret"));
    } finally {
      await pool.end();
    }
  }
});

Deno.test("a pool leaves no connection open on which it could not log in", async () => {
  await using database = await ownDatabase({ empty: true });
  const server = new URL(database.dsn);
  const open = new Set<Socket>();
  const proxy = createServer((socket) => {
    const toServer = connect(Number(server.port), server.hostname);
    for (const [one, other] of [[socket, toServer], [toServer, socket]] as const) {
      one.on("close", () => other.destroy()).on("error", () => {}).pipe(other);
    }
    open.add(socket.on("close", () => open.delete(socket)));
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  const pool = createPool(`postgres://${server.username}@127.0.0.1:${port}${server.pathname}`, {
    max: 1,
    applicationName: "httpmon-test",
    log: recordingLog(),
  });
  try {
    await assertRejects(() => pool.query("SELECT 1"), Error, "password must be a string");
    await waitFor("the connection to be closed", () => open.size === 0, 60_000);
  } finally {
    await pool.end();
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  }
});
