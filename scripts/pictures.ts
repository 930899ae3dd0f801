/**
 * `deno task pictures`: the pictures that the README and the docs show, anew, into docs/pictures. The
 * dashboard runs as a program of its own on a PostgreSQL with a made-up quarter of sample sites in it,
 * and the machine's Chromium looks at it, and at messages of alerts. `--all DIR` takes each page in both
 * modes and three widths, empty ones too (`--only NAME,...`: of these pages alone); `--stay` goes on, for
 * who wants to look around.
 */
import { parseArgs } from "@std/cli/parse-args";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createPool } from "../db/connect/pool.ts";
import { migrate } from "../db/schema/migrate.ts";
import { findChromium, startChromium } from "../local/chromium.ts";
import { dataFolder } from "../local/data_folder.ts";
import { startProgram } from "../local/demo/programs.ts";
import { freePort } from "../local/ports.ts";
import { startPostgres } from "../local/postgres/postgres.ts";
import { waitFor } from "../local/wait.ts";
import { sleep, systemClock } from "../runtime/clock.ts";
import { createLogger } from "../runtime/log/log.ts";
import {
  allPictures,
  AWAY_PICTURES,
  EMPTY_PICTURES,
  type Picture,
  readmePictures,
  takePictures,
} from "./pictures/dashboard.ts";
import { SampleHistory } from "./pictures/history.ts";
import { pictureMessages } from "./pictures/messages.ts";
import { SITES } from "./pictures/sample.ts";

const FOLDER = fileURLToPath(new URL("../docs/pictures", import.meta.url));
const NEXT_SUNDAY = "0 3 * * SUN";

const args = parseArgs(Deno.args, { string: ["all", "only"], boolean: ["stay"] });
if (findChromium() === null && !args.stay) {
  console.log("No Chromium is here, so no pictures are taken: apt-get install chromium");
  Deno.exit(0);
}

await using cleanup = new AsyncDisposableStack();
const folder = await dataFolder();
cleanup.defer(() => folder.close());
const server = await startPostgres({
  folder: folder.path,
  settings: { fsync: "off", full_page_writes: "off", max_locks_per_transaction: "256" },
});
cleanup.defer(() => server.stop());
const log = createLogger({ loglevel: "ERROR", secrets: [] }, "pictures");
const pool = createPool(server.dsn, { max: 3, applicationName: "httpmon-pictures", log });
cleanup.defer(() => pool.end());

await migrate(server.dsn, { log });
const browser = args.stay ? null : await startChromium();
cleanup.defer(() => browser?.close());
if (browser) await pictureMessages(browser, FOLDER);
const all = args.all === undefined ? null : resolve(args.all);
if (browser && all) {
  await using empty = await startDashboard();
  await waitFor("its first reading", () => says(empty.url, "Is an agent running?"), 60_000);
  await takePictures(browser, empty.url, wanted(EMPTY_PICTURES), all);
}
console.error("A quarter of results is stored and rolled up");
const history = new SampleHistory(pool, log, Date.now());
await history.make();
const { url } = cleanup.use(await startDashboard());
await waitFor("the dashboard's figures", async () => {
  await history.catchUp(Date.now());
  return await hasFigures(url);
}, 120_000);
if (browser) {
  const pictures = all ? await allPictures(pool) : await readmePictures(pool);
  const follow = () => history.catchUp(Date.now());
  await takePictures(browser, url, wanted(pictures), all ?? FOLDER, follow);
  if (all) {
    await server.stop();
    await waitFor("what it says then", () => says(url, "has not answered"), 60_000);
    await takePictures(browser, url, wanted(AWAY_PICTURES), all);
  }
} else {
  console.log(url);
  let isWanted = true;
  Deno.addSignalListener("SIGINT", () => isWanted = false);
  while (isWanted) {
    await history.catchUp(Date.now());
    await sleep(systemClock, 1_000);
  }
}

function wanted(pictures: readonly Picture[]): readonly Picture[] {
  const pages: string[] = (args.only ?? "").split(",");
  return pictures.filter(({ name }) => pages.some((page) => name.startsWith(page)));
}

async function startDashboard(): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const config = join(folder.path, "config.yaml");
  const websites = Object.fromEntries(
    SITES.map(({ name, url, group }) => [name, {
      url,
      labels: { group },
      degraded_response_time_ms: 1_000,
      certificate_days_left: 7,
      ...name === "card payments" &&
        { maintenance: [{ cron: NEXT_SUNDAY, duration: 3_600, time_zone: "UTC" }] },
    }]),
  );
  const status = {
    groups: ["shop", "api", "partners"],
    title: "Example shop status",
    homepage: "https://shop.example/",
  };
  const web = { listen: port, title: "httpmon", status };
  const text = JSON.stringify({ web, websites, database: { dsn: server.dsn } });
  await writeFile(config, text, { mode: 0o600 });
  const program = await startProgram("web", config, folder.path);
  const url = `http://127.0.0.1:${port}`;
  await waitFor("the dashboard", () => fetch(url).then(({ ok }) => ok, () => false), 60_000);
  return {
    url,
    [Symbol.asyncDispose]: async () => void await program.process.stop("SIGTERM", 5_000),
  };
}

/** Whether its overview has this text. */
async function says(url: string, text: string): Promise<boolean> {
  return (await (await fetch(url)).text()).includes(text);
}

/** Whether each site has all of its figures, a result of now among them, and its strip all days. */
async function hasFigures(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/api/v1/sites`);
  const sites: { p95: number | null; lastResult: string }[] = (await answer.json()).data;
  const late = (await (await fetch(url)).text()).match(/data-cells="\d*-/g) ?? [];
  return sites.length === SITES.length &&
    sites.every(({ p95, lastResult }) =>
      p95 !== null && Date.now() - Date.parse(lastResult) < 90_000
    ) &&
    late.length === SITES.filter(({ days }) => days !== undefined).length;
}
