import { assertEquals, assertLessOrEqual } from "@std/assert";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Reloads } from "../../../agent/reload/reload.ts";
import { AgentStats } from "../../../agent/stats.ts";
import { loadConfig } from "../../../config/load.ts";
import type { Site } from "../../../config/types.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { until, withFolder } from "../support.ts";

const FIRST = "websites: {https://a.example/: {}, https://b.example/: {}}";

interface Reloading {
  write(text: string): Promise<void>;
  hangUp(): void;
  /** What is checked. */
  sites: () => readonly Site[];
  reloads: Reloads;
  stats: AgentStats;
  log: ReturnType<typeof recordingLog>;
  stop(): void;
  folder: string;
}

/** Runs `body` with an agent's part that reloads, started with the config FIRST. */
async function reloading(
  body: (it: Reloading) => Promise<void>,
  { watch = false } = {},
) {
  await withFolder(async (folder) => {
    const configSource = { file: "config.yaml", cwd: folder };
    const write = (text: string) => writeFile(join(folder, configSource.file), text);
    await write(FIRST);
    const config = loadConfig(configSource.file, { cwd: folder, mode: "agent" });
    const stats = new AgentStats();
    const log = recordingLog();
    const stopping = new AbortController();
    const { signal } = stopping;
    const reloads = new Reloads({ config, configSource, clock: systemClock, log, stats, signal });
    let sites: readonly Site[] = config.sites;
    const handlers = new Set<() => void>();
    reloads.begin({
      replaceSites: (given) => sites = given,
      onHangUp(run) {
        handlers.add(run);
        return () => void handlers.delete(run);
      },
      watch,
    });
    try {
      await body({
        write,
        hangUp: () => handlers.forEach((run) => run()),
        sites: () => sites,
        reloads,
        stats,
        log,
        stop: () => stopping.abort(),
        folder,
      });
    } finally {
      await reloads.close();
    }
    assertEquals(handlers.size, 0);
  });
}

const urls = (sites: readonly Site[]) => sites.map(({ url }) => url);

Deno.test("Reloads takes over a changed config at SIGHUP, unchanged sites as they were", async () => {
  await reloading(async ({ write, hangUp, sites, stats, log }) => {
    const [a] = sites();
    await write(
      "websites: {https://a.example/: {}, https://b.example/: {timeout: 1}, https://c.example/: {}}",
    );
    hangUp();
    await until(() => stats.reloads.applied === 1, "the config is taken over");
    assertEquals(urls(sites()), ["https://a.example/", "https://b.example/", "https://c.example/"]);
    assertEquals(sites()[0] === a, true);
    assertEquals(sites()[1]!.timeoutMs, 1_000);
    assertEquals([stats.reloads, stats.lastReload], [{ applied: 1, refused: 0 }, "applied"]);
    const [{ level, message, fields: { ms: _, ...fields } }] = log.lines as [typeof log.lines[0]];
    assertEquals([log.lines.length, level, message], [1, "notice", "The new config is taken over"]);
    assertEquals(fields, { file: "config.yaml", sites: 3, added: 1, changed: 1, removed: 0 });
  });
});

Deno.test("Reloads takes over nothing of a config that is wrong, and tells all of it", async () => {
  await reloading(async ({ write, reloads, sites, stats, log }) => {
    const before = sites();
    await write("websites: {https://c.example/: {}, https://b.example/: {timeout: 0}, d: {}}");
    await reloads.reload();
    assertEquals(sites() === before, true);
    assertEquals([stats.reloads, stats.lastReload], [{ applied: 0, refused: 1 }, "refused"]);
    assertEquals(log.lines, [{
      level: "error",
      message: "The new config is wrong; the agent goes on with the old one",
      fields: {
        file: "config.yaml",
        problems: [
          'Config "config.yaml" has 2 problems:',
          'websites["https://b.example/"].timeout: expected a number over 0 and at most 86400 ' +
          "(seconds), found 0",
          'websites.d: expected an http or https URL, or a name with "url" inside',
        ],
      },
    }]);

    await write("websites: {https://c.example/: {}}");
    await reloads.reload();
    assertEquals(urls(sites()), ["https://c.example/"]);
    assertEquals([stats.reloads, stats.lastReload], [{ applied: 1, refused: 1 }, "applied"]);
  });
});

Deno.test("Reloads keeps the old config where the file is gone or has no site", async () => {
  await reloading(async ({ write, reloads, sites, stats, folder }) => {
    await write("websites: {}");
    await reloads.reload();
    await rm(join(folder, "config.yaml"));
    await reloads.reload();
    assertEquals(urls(sites()), ["https://a.example/", "https://b.example/"]);
    assertEquals(stats.reloads, { applied: 0, refused: 2 });
  });
});

Deno.test("Reloads names what needs a restart, each time until there is one", async () => {
  await reloading(async ({ write, reloads, sites, log }) => {
    const other = "agent: {uuid: 0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90}\n" +
      "kafka: {monitoring: {sasl_mechanism: plain, sasl_username: u, sasl_password: hunter2}}\n";
    await write(`${other}websites: {https://c.example/: {}}`);
    for (let times = 1; times <= 2; times++) {
      await reloads.reload();
      assertEquals(urls(sites()), ["https://c.example/"]);
      assertEquals(
        log.lines.filter(({ level }) => level === "error"),
        new Array(times).fill({
          level: "error",
          message: "What changed at these keys of the config needs a restart",
          fields: { file: "config.yaml", keys: ["kafka.monitoring.sasl_*", "agent.uuid"] },
        }),
      );
    }
    assertEquals(JSON.stringify(log.lines).includes("hunter2"), false);
  });
});

Deno.test("Reloads takes over the last of many changes asked for at once, in few loads", async () => {
  await reloading(async ({ write, reloads, sites, stats }) => {
    await write("websites: {https://first.example/: {}}");
    const first = reloads.reload();
    await write("websites: {https://last.example/: {}}");
    await Promise.all([first, ...Array.from({ length: 9 }, () => reloads.reload())]);
    assertEquals(urls(sites()), ["https://last.example/"]);
    // The first, the one that was asked for meanwhile or after, and one for all that then were.
    assertLessOrEqual(stats.reloads.applied, 3);
  });
});

Deno.test("Reloads takes over nothing once the agent is asked to stop", async () => {
  await reloading(async ({ write, reloads, sites, stats, log, stop }) => {
    await write("websites: {https://c.example/: {}}");
    const asked = reloads.reload();
    stop();
    await asked;
    await reloads.reload();
    assertEquals(urls(sites()), ["https://a.example/", "https://b.example/"]);
    assertEquals([stats.reloads, log.lines], [{ applied: 0, refused: 0 }, []]);
  });
});

Deno.test("Reloads takes over a config whose file changes, where it watches it", async () => {
  await reloading(async ({ write, sites, stats }) => {
    await write("websites: {https://c.example/: {}}");
    await until(() => stats.reloads.applied === 1, "the config is taken over");
    assertEquals(urls(sites()), ["https://c.example/"]);
  }, { watch: true });
});

Deno.test("Reloads watches the files that the config includes, and those that a new one does", async () => {
  await reloading(async ({ write, sites, stats, folder }) => {
    await mkdir(join(folder, "sites.d"));
    await write(`${FIRST}\ninclude: [sites.d/*.yaml]`);
    await until(() => stats.reloads.applied === 1, "the include is taken over");
    await writeFile(join(folder, "sites.d/c.yaml"), "websites: {https://c.example/: {}}");
    await until(() => sites().length === 3, "the included site is taken over");
  }, { watch: true });
});
