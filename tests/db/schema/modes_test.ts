import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { migrationFiles } from "../../../db/schema/migrations/index.ts";
import { waitFor } from "../../../local/wait.ts";
import { type OwnDatabase, ownDatabase } from "../fixture.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a mode as a person would.
 *
 * @param head Its output is closed after that many bytes
 * @param meanwhile What is done to it meanwhile
 */
async function httpmon(
  dsn: string,
  args: string[],
  { head = Infinity, meanwhile }: {
    head?: number;
    meanwhile?: (child: ChildProcess) => Promise<void>;
  } = {},
): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-modes-"));
  const config = join(folder, "config.yaml");
  await writeFile(config, `database: { writer: { dsn: ${JSON.stringify(dsn)} } }\n`);
  try {
    const permissions = ["--allow-net", "--allow-read", "--allow-env", "--allow-sys=hostname"];
    const child = spawn(process.execPath, ["run", ...permissions, MAIN, ...args, "-c", config]);
    let [stdout, stderr] = ["", ""];
    child.stderr.on("data", (data) => stderr += data);
    child.stdout.on("data", (data) => {
      stdout += data;
      if (stdout.length >= head) child.stdout.destroy();
    });
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    await meanwhile?.(child);
    const code = await closed;
    return { code, stdout, stderr };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function fill({ rows }: OwnDatabase, count: number): Promise<void> {
  await rows(
    `INSERT INTO sites (url) VALUES ('https://one.example/');
     INSERT INTO agents (identity) VALUES ('00000000-0000-0000-0000-000000000001');
     SELECT httpmon_ensure_partitions('{2024-05-01}');
     INSERT INTO check_results (ts, site_id, agent_id, verdict, response_code, response_time)
     SELECT timestamptz '2024-05-01+00' + n * interval '1 ms', 1, 1, 0, 200, 1.5
     FROM generate_series(1, ${count}) n`,
  );
}

Deno.test("init-schema makes the tables, says so, and has nothing to do the next time", async () => {
  await using database = await ownDatabase({ empty: true });
  const first = await httpmon(database.dsn, ["init-schema"]);
  assertEquals([first.code, first.stderr], [0, ""]);
  assertEquals(
    first.stdout,
    (await migrationFiles()).map(({ name }) => `Applied ${name}\n`).join("") +
      "Made 18 daily partitions\n",
  );
  const second = await httpmon(database.dsn, ["init-schema"]);
  assertEquals(second, { code: 0, stdout: "The tables are up to date\n", stderr: "" });
});

Deno.test("init-schema tells what a person must decide, on one line", async () => {
  await using database = await ownDatabase({ empty: true });
  await database.rows("CREATE VIEW mon_daily AS SELECT 1 AS ts");
  const refused = await httpmon(database.dsn, ["init-schema"]);
  assertEquals(refused, {
    code: 1,
    stdout: "",
    stderr: 'httpmon: "mon_daily" is there, but is not the older program\'s table: it is not a ' +
      "plain table; nothing was changed, rename it or use another database\n",
  });
});

Deno.test("init-schema stops when asked to, and undoes the migration under way", async () => {
  await using database = await ownDatabase({ empty: true });
  await database.rows(
    `CREATE TABLE mon_daily (ts timestamp, agent uuid, url varchar(2048), regexresult boolean,
       responsecode int, responsetime int, errormessage varchar(256))`,
  );
  // A reader keeps the older table from being renamed, so that the migration waits.
  const reader = await database.pool.connect();
  await reader.query("BEGIN; SELECT FROM mon_daily");
  const waiting = `SELECT count(*)::int FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  try {
    const ended = await httpmon(database.dsn, ["init-schema"], {
      async meanwhile(child) {
        const isWaiting = async () => await database.value(waiting) === 1;
        await waitFor("the migration to wait", isWaiting, 20_000);
        // Not child.kill(): after it, Deno tells the signal and no exit code, whatever comes.
        process.kill(child.pid!, "SIGTERM");
      },
    });
    assertEquals(ended, {
      code: 1,
      stdout: "",
      stderr: "httpmon: Stopped before it was done; run it again to go on\n",
    });
  } finally {
    reader.release(true);
  }
  assertEquals(await database.value("SELECT to_regclass('check_results')"), null);
});

Deno.test("init-schema and dbdump say on one line that the database cannot be reached", async () => {
  for (const mode of ["init-schema", "dbdump"]) {
    const { code, stdout, stderr } = await httpmon("postgres://me:s3cret@127.0.0.1:9/db", [mode]);
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, "httpmon: Cannot reach the database: connect ECONNREFUSED");
    assertEquals(stderr.split("\n").length, 2);
    assert(!stderr.includes("s3cret"));
  }
});

Deno.test("dbdump prints one JSON object a line", async () => {
  await using database = await ownDatabase();
  await fill(database, 3);
  const { code, stdout, stderr } = await httpmon(database.dsn, ["dbdump", "--limit", "2"]);
  assertEquals([code, stderr], [0, ""]);
  const line = (ts: string) =>
    `{"ts":"${ts}","agentUUID":"00000000-0000-0000-0000-000000000001",` +
    '"url":"https://one.example/","regexResult":null,"responseCode":200,"responseTime":1.5,' +
    '"errorMessage":null,"verdict":"up"}\n';
  assertEquals(stdout, line("2024-05-01 00:00:00.001000") + line("2024-05-01 00:00:00.002000"));
});

Deno.test("dbdump ends quietly when its reader has seen enough", async () => {
  await using database = await ownDatabase();
  await fill(database, 50_000);
  const { code, stderr } = await httpmon(database.dsn, ["dbdump"], { head: 1000 });
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("dbdump of a database without tables names init-schema", async () => {
  await using database = await ownDatabase({ empty: true });
  const { code, stderr } = await httpmon(database.dsn, ["dbdump"]);
  assertEquals(code, 1);
  assertEquals(
    stderr,
    'httpmon: The database refuses: relation "check_results" does not exist; run "httpmon init-schema" first\n',
  );
});
