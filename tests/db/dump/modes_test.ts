import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { existsSync } from "node:fs";
import { type OwnDatabase, ownDatabase } from "../fixture.ts";
import { httpmon } from "../run_mode.ts";

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
  for (const format of ["json", "csv", "parquet"]) {
    const { code, stderr } = await httpmon(database.dsn, ["dbdump", "--format", format], {
      head: 1000,
    });
    assertEquals([code, stderr], [0, ""]);
  }
});

Deno.test({
  name: "dbdump to a full disk says so",
  ignore: !existsSync("/dev/full"),
  fn: async () => {
    await using database = await ownDatabase();
    await fill(database, 50_000);
    const { code, stderr } = await httpmon(database.dsn, ["dbdump"], { to: "/dev/full" });
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^httpmon: Cannot write to standard output: .*no space left on device.*\n$/i,
    );
  },
});

Deno.test("dbdump of a site that is not there says so", async () => {
  await using database = await ownDatabase();
  await fill(database, 1);
  assertEquals(await httpmon(database.dsn, ["dbdump", "--site", "x"]), {
    code: 2,
    stdout: "",
    stderr: 'httpmon: Nothing is stored of the site "x"\n',
  });
});

Deno.test("dbdump of a database without tables names init-schema", async () => {
  await using database = await ownDatabase({ empty: true });
  for (const args of [["dbdump"], ["dbdump", "--from", "hourly", "--format", "csv"]]) {
    const { code, stderr } = await httpmon(database.dsn, args);
    assertEquals(code, 1);
    assertStringIncludes(stderr, 'does not exist; run "httpmon init-schema" first\n');
  }
});
