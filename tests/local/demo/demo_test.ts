import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { waitFor } from "../../../local/wait.ts";

const DEMO = fileURLToPath(new URL("../../../local/demo.ts", import.meta.url));

/** Runs the demo; what it writes to both outputs is in `text`. */
function startDemo(args: string[], cwd: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ["run", "-A", DEMO, ...args], {
    cwd,
    env: { ...process.env, INIT_CWD: cwd, TMPDIR: cwd, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const demo = { child, text: "", code: once(child, "close").then(([code]) => code as number) };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => demo.text += String(chunk));
  }
  return demo;
}

function count(text: string, name: string): number {
  const found = new RegExp(`^ {2}${name} +(\\d+)\\b`, "m").exec(text)?.[1];
  assert(found !== undefined, `no "${name}" in:\n${text}`);
  return Number(found);
}

/** What the table says of some sites, each by the title of its column. */
const TABLE = {
  "fine": { STATE: "up", STATUS: "200" },
  "error": { STATE: "down", STATUS: "500" },
  "regex-miss": { STATE: "down", "LAST ERROR": "regex did not match" },
  "tls": { STATE: "down" },
};

/** Compares the table of sites with TABLE, but for those that a busy machine did not come to last. */
function assertTable(text: string): void {
  const lines = text.split("\n");
  const titles = lines.find((line) => line.startsWith("SITE "))!.split(/ {2,}/);
  for (const [site, expected] of Object.entries(TABLE)) {
    const line = lines.find((line) => line.startsWith(`${site} `));
    assert(line !== undefined, `no "${site}" in:\n${text}`);
    const cells = line.split(/ {2,}/);
    const found = Object.fromEntries(titles.map((title, i) => [title, cells[i]]));
    const isMissed = found.STATE === "unknown" || / did not come to |stalled/.test(line);
    for (const [title, cell] of Object.entries(expected)) {
      if (!isMissed) assertEquals(found[title], cell, `${site}'s ${title} in:\n${text}`);
    }
  }
}

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-test-"));
  await Deno.chmod(folder, 0o755);
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("demo ends in order at SIGINT with nothing lost, and leaves nothing behind", async () => {
  await withFolder(async (folder) => {
    const demo = startDemo([], folder);
    const written = () => Number(/.* written +(\d+)/s.exec(demo.text)?.[1] ?? 0);
    await waitFor("results", () => written() > 25, 180_000);
    const client = new pg.Client({ connectionString: /psql (postgres:\S+)/.exec(demo.text)![1] });
    await client.connect();
    const checked = async () => {
      const { rows } = await client.query(
        "SELECT count(DISTINCT site)::int FROM results WHERE site = ANY($1) AND verdict <> 'unknown'",
        [Object.keys(TABLE)],
      );
      return rows[0].count === Object.keys(TABLE).length;
    };
    await waitFor("a check of each site", checked, 180_000);
    const { rows } = await client.query(
      `SELECT site,
         httpmon_uptime(site, '-infinity', 'infinity')
           = coalesce(sum(slots) FILTER (WHERE verdict <> 'down'), 0)::float8 / sum(slots) AS uptime,
         httpmon_percentile(site, 0.5, '-infinity', 'infinity') BETWEEN min(response_ms) * 0.98
           AND max(response_ms) * 1.02 AS median
       FROM results WHERE site IN ('error', 'fine') AND verdict <> 'unknown' GROUP BY 1 ORDER BY 1`,
    );
    await client.end();
    const right = { uptime: true, median: true };
    assertEquals(rows, [{ site: "error", ...right }, { site: "fine", ...right }]);
    // Not child.kill(): Deno then says that the signal ended it, whatever its exit code was.
    process.kill(demo.child.pid!, "SIGINT");
    const code = await demo.code;
    assertEquals(code, 0, demo.text);

    const { text } = demo;
    assertTable(text);
    assert(count(text, "checked") > 20, text);
    assertEquals(count(text, "published"), count(text, "checked"));
    assertEquals(count(text, "written"), count(text, "checked"));
    for (const name of ["dead letters", "lost", "duplicates"]) assertEquals(count(text, name), 0);
    // A machine that is too busy for the agent is no fault of the demo.
    const trouble = /^Logged at WARN or above: \d+\n((?: {2}.*\n)*)/m.exec(text)?.[1] ?? "";
    const others = trouble.split("\n").filter((line) => !/own trouble|stood still|^$/.test(line));
    assertEquals(others, [], text);
    assertStringIncludes(text, "deno task demo -c FILE");
    assertEquals(await readdir(folder), []);
  });
});

Deno.test("demo without Java ends by itself on the mock broker, and says so", async () => {
  await withFolder(async (folder) => {
    // What the guards call, and nothing else: no java, no mvn.
    const bin = join(folder, "bin");
    await mkdir(bin);
    for (const name of ["sleep", "rm"]) await symlink(`/bin/${name}`, join(bin, name));
    const demo = startDemo(["--seconds", "3"], folder, { PATH: bin });
    assertEquals(await demo.code, 0, demo.text);
    assertStringIncludes(demo.text, 'Kafka needs Java 17 or newer, and there is no "java" to run');
    assertStringIncludes(demo.text, "in memory, no real Kafka");
    assertEquals(count(demo.text, "written"), count(demo.text, "checked"));
    assertEquals(count(demo.text, "lost"), 0);
    assertEquals(await readdir(folder), ["bin"]);
  });
});

Deno.test("demo finds a bad config before it starts anything", async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, "own.yaml"), "websites: { 'http://a.example/': { timout: 1 } }");
    const demo = startDemo(["-c", "own.yaml"], folder);
    assertEquals(await demo.code, 2, demo.text);
    assertStringIncludes(demo.text, 'unknown key, did you mean "timeout"?');
    assert(!demo.text.includes("PostgreSQL"), demo.text);
  });
});
