import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "node:path";
import pg from "pg";
import { dataFolder } from "../../../local/data_folder.ts";
import { type Postgres, startPostgres } from "../../../local/postgres/postgres.ts";

async function query(postgres: Postgres, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: postgres.dsn });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

Deno.test("startPostgres() keeps port and data over every kind of stop", async () => {
  const data = await dataFolder();
  const folder = join(data.path, "postgres");
  const postgres = await startPostgres({ folder, settings: { max_connections: "37" } });
  try {
    await query(postgres, "CREATE TABLE stops AS SELECT 'made' AS name");
    assertEquals(
      await query(
        postgres,
        "SELECT current_setting('max_connections') AS most, current_setting('fsync') AS fsync",
      ),
      [{ most: "37", fsync: "on" }],
    );
    const { dsn } = postgres;
    for (const mode of ["fast", "immediate", "smart"] as const) {
      await postgres.stop(mode);
      await assertRejects(() => query(postgres, "SELECT 1"), Error, "ECONNREFUSED");
      await postgres.start();
      await query(postgres, `INSERT INTO stops VALUES ('${mode}')`);
    }
    const before = postgres.pid;
    assert(postgres.kill("SIGKILL"));
    await postgres.start();
    assert(postgres.pid !== before);
    assertEquals(postgres.dsn, dsn);
    assertEquals(
      (await query(postgres, "SELECT name FROM stops")).map(({ name }) => name),
      ["made", "fast", "immediate", "smart"],
    );
    await postgres.stop();

    const again = await startPostgres({ folder });
    try {
      assertEquals(await query(again, "SELECT count(*)::int AS n FROM stops"), [{ n: 4 }]);
    } finally {
      await again.stop("immediate");
    }
  } finally {
    await postgres.stop("immediate");
    await data.close();
  }
});

Deno.test("startPostgres() says why it did not start", async () => {
  const data = await dataFolder();
  try {
    const settings = { shared_buffers: "none" };
    await assertRejects(
      () => startPostgres({ folder: join(data.path, "postgres"), settings }),
      Error,
      'invalid value for parameter "shared_buffers": "none"',
    );
  } finally {
    await data.close();
  }
});

Deno.test("startPostgres() starts from a folder that only its owner may enter", async () => {
  const here = Deno.cwd();
  const mine = await Deno.makeTempDir(); // as mktemp -d makes it: where a clone may be
  const data = await dataFolder();
  try {
    Deno.chdir(mine);
    const postgres = await startPostgres({ folder: join(data.path, "postgres") });
    await postgres.stop("immediate");
  } finally {
    Deno.chdir(here);
    await data.close();
    await Deno.remove(mine);
  }
});
