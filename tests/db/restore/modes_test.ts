import { assertEquals } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "../../../wire/encode.ts";
import { ownDatabase, result } from "../fixture.ts";
import { replayMode } from "../../../db/restore/replay_mode.ts";
import { restoreMode } from "../../../db/restore/restore_mode.ts";
import { modeHere } from "../../support/program/mode_here.ts";
import { httpmon } from "../run_mode.ts";

Deno.test("restore reads a file or standard input, and ends with 1 where a line is refused", async () => {
  await using database = await ownDatabase();
  const text = [1, 2, 3].map((n) => `${encode(result(n))}\n`).join("");
  const folder = await mkdtemp(join(tmpdir(), "httpmon-restore-"));
  try {
    const file = join(folder, "results.json");
    await writeFile(file, text);
    assertEquals(await httpmon(database.dsn, ["restore", file]), {
      code: 0,
      stdout: "Read 3 lines: 3 results stored, 0 there already, 0 refused\n",
      stderr: "",
    });
    assertEquals(await httpmon(database.dsn, ["restore", join(folder, "no.json")]), {
      code: 2,
      stdout: "",
      stderr: `httpmon: Cannot read "${join(folder, "no.json")}": ENOENT: no such file or ` +
        `directory, open '${join(folder, "no.json")}'\n`,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
  for (const args of [["restore"], ["-m", "restore", "-"]]) {
    assertEquals(await httpmon(database.dsn, args, { input: `${text}null\n` }), {
      code: 1,
      stdout: "Read 4 lines: 0 results stored, 3 there already, 1 refused\n",
      stderr: "httpmon: Line 4 is refused, not_an_object: The value is JSON, but not an object\n",
    });
  }
});

Deno.test("restore tells a hundred refused lines one by one, and what it left undone", async () => {
  await using database = await ownDatabase();
  const content = { database: { dsn: database.dsn } };
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await writeFile(file, "null\n".repeat(103));
  const { code, stderr, stdout } = await modeHere(restoreMode, ["restore", file], content);
  assertEquals([code, stdout], [
    1,
    "Read 103 lines: 0 results stored, 0 there already, 103 refused\n",
  ]);
  const lines = stderr.split("\n");
  assertEquals(lines.filter((line) => / is refused, not_an_object: /.test(line)).length, 100);
  assertEquals(lines.at(-2), "httpmon: 3 more lines are refused");
  const stopped = await modeHere(restoreMode, ["restore", file], content, {
    signal: AbortSignal.abort(),
  });
  assertEquals([stopped.code, stopped.stderr.split("\n").at(-2)], [
    1,
    "httpmon: Stopped before it was done; run it again, what is stored stays",
  ]);
  await rm(file);
});

Deno.test("replay tells of days that the retention dropped, and that it was stopped", async () => {
  await using database = await ownDatabase();
  const content = { database: { dsn: database.dsn } };
  await database.rows("INSERT INTO retention VALUES ('raw', 30, '2026-05-02')");
  await database.rows(
    `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
     VALUES ('cluster', 'monitoring', 0, 1, convert_to($1, 'UTF8'), 'x', '')`,
    [encode(result(1))],
  );
  const stopped = await modeHere(replayMode, ["replay"], content, { signal: AbortSignal.abort() });
  assertEquals([stopped.code, stopped.stderr], [
    1,
    "httpmon: Stopped before it was done; run it again to go on\n",
  ]);
  assertEquals(await modeHere(replayMode, ["replay"], content), {
    code: 0,
    stdout: "Stored now: 0\nOf days that the retention dropped: 1\n",
    stderr: "",
  });
});

Deno.test("replay says what became of the dead letters", async () => {
  await using database = await ownDatabase();
  await database.rows(
    `INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
     SELECT 'cluster', 'monitoring', 0, n, convert_to(($1::text[])[n], 'UTF8'), reason, ''
     FROM unnest('{bad_json,bad_json,bad_batch}'::text[]) WITH ORDINALITY AS u(reason, n)`,
    [[encode(result(1)), "[]", "x"]],
  );
  const others = "Still not to be stored, not_an_object: 1\n";
  const unreadable = "Cannot be replayed, bad_batch: 1; only the first bytes were kept, and the " +
    "topic has the rest as long as it keeps it\n";
  const runs: [args: string[], stdout: string][] = [
    [["--dry-run"], `Can be read, and would be tried: 1\n${others}${unreadable}`],
    [["--reason", "bad_json"], `Stored now: 1\n${others}`],
    [[], `Stored now: 0\n${others}${unreadable}`],
  ];
  for (const [args, stdout] of runs) {
    assertEquals(await httpmon(database.dsn, ["replay", ...args]), { code: 0, stdout, stderr: "" });
  }
});
