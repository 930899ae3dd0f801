import type { Browser, Page } from "playwright-core";
import type { Pool } from "pg";
import { Buffer } from "node:buffer";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A page's picture, as the README shows it. */
export interface Picture {
  /** Of the file, without ".webp". */
  name: string;
  path: string;
  width: number;
  /** What is below is cut off. */
  height: number;
  isDark?: boolean;
  /** With what is folded, or as it is printed. */
  as?: "unfolded" | "printed";
}

/** Where an example of each kind of page is. */
export async function placesIn(pool: Pool): Promise<{ site: string; incident: string }> {
  const { rows: [row] } = await pool.query(
    `SELECT '/sites/' || (SELECT id FROM sites WHERE name = 'checkout') AS site,
       '/incidents/' || (SELECT id FROM incidents WHERE cause LIKE 'Nothing%'
         ORDER BY opened_at DESC LIMIT 1) AS incident`,
  );
  return row;
}

/** Those of docs/pictures. */
export async function readmePictures(pool: Pool): Promise<Picture[]> {
  const { site, incident } = await placesIn(pool);
  return [
    { name: "overview", path: "/", width: 1440, height: 900 },
    { name: "overview-dark", path: "/", width: 1440, height: 900, isDark: true },
    { name: "site", path: site, width: 1440, height: 1200 },
    { name: "incident", path: incident, width: 1440, height: 900 },
    { name: "status", path: "/status", width: 1440, height: 1000 },
    { name: "phone", path: "/", width: 360, height: 740, isDark: true },
  ];
}

/** Each page in both modes and three widths, whole, for who looks them through. */
export async function allPictures(pool: Pool): Promise<Picture[]> {
  const { site, incident } = await placesIn(pool);
  const month = new Date().toISOString().slice(0, 7);
  const never = await addUnusual(pool);
  const report = `/reports/${month}${site.replace("/sites", "")}`;
  const pages = {
    overview: "/",
    checks: "/?strip=checks&sort=p95",
    none: "/?q=nothing+is+called+so",
    site,
    week: `${site}?range=7d`,
    year: `${site}?range=1y`,
    incidents: "/incidents",
    incident,
    agents: "/agents",
    pipeline: "/pipeline",
    reports: "/reports",
    month: `/reports/${month}`,
    "site-month": report,
    "month-none": `/reports/${month}?q=nothing+is+called+so`,
    status: "/status",
    missing: "/nowhere",
    unknown: "/sites/999999",
    never,
    past: `${site}?from=2020-01-01T00:00&to=2020-01-02T00:00`,
  };
  return [
    ...inAll(pages),
    ...inAll({ "site-unfolded": site, "incident-unfolded": incident }, "unfolded"),
    ...inAll({ "month-printed": `/reports/${month}`, "site-month-printed": report }, "printed"),
  ];
}

/** What the sample has none of: a dead letter, a message that was given up, a site that no agent checked. */
async function addUnusual(pool: Pool): Promise<string> {
  const { rows: [{ path }] } = await pool.query(
    `WITH letter AS (
       INSERT INTO dead_letters (cluster_id, topic, partition, "offset", key, value, reason, detail)
       VALUES ('sample', 'monitoring', 0, 41207, 'https://shop.example/', '{"ts": "yesterday"}',
         'bad_message', 'ts: expected "YYYY-MM-DD HH:MM:SS.ffffff", found "yesterday"')
     ), owed AS (
       INSERT INTO notifications (incident_id, channel, event, state, attempts, error)
       SELECT max(id), 'team-chat', 'reminder', 'failed', 9, 'status 500: internal error' FROM incidents
     )
     INSERT INTO sites (url, name) VALUES ('https://new.shop.example/', 'never checked')
     RETURNING '/sites/' || id AS path`,
  );
  return path;
}

/** While the database does not answer. */
export const AWAY_PICTURES: readonly Picture[] = inAll({
  "away-overview": "/",
  "away-incidents": "/incidents",
});

/** The same before there is anything to see. */
export const EMPTY_PICTURES: readonly Picture[] = inAll({
  "empty-overview": "/",
  "empty-incidents": "/incidents",
  "empty-agents": "/agents",
  "empty-pipeline": "/pipeline",
  "empty-reports": "/reports",
  "empty-month": `/reports/${new Date().toISOString().slice(0, 7)}`,
  "empty-status": "/status",
});

function inAll(pages: Readonly<Record<string, string>>, as?: Picture["as"]): Picture[] {
  return Object.entries(pages).flatMap(([page, path]) =>
    [1440, 768, 360].flatMap((width) =>
      [false, true].map((isDark) => ({
        name: `${page}-${width}${isDark ? "-dark" : ""}`,
        path,
        width,
        height: 6_000,
        isDark,
        as,
      }))
    )
  );
}

/**
 * Takes pictures of what `url` serves into `folder`, as WebP, which is half of a PNG here.
 *
 * @param before Done before each, so that what is shown is of now
 */
export async function takePictures(
  browser: Browser,
  url: string,
  pictures: readonly Picture[],
  folder: string,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, path, width, height, isDark = false, as } of pictures) {
    const context = await browser.newContext({
      viewport: { width, height: Math.min(height, 1_200) },
      colorScheme: isDark ? "dark" : "light",
      reducedMotion: "reduce",
      timezoneId: "UTC",
      locale: "en-GB",
    });
    await before();
    const page = await context.newPage();
    await page.goto(url + path);
    if (as === "printed") await page.emulateMedia({ media: "print" });
    if (as === "unfolded") await page.evaluate(UNFOLD);
    await page.evaluate("document.fonts.ready");
    const bytes = await webp(page, width, height);
    await writeFile(join(folder, `${name}.webp`), bytes);
    console.log(`${name}.webp: ${(bytes.length / 1e3).toFixed(0)} kB`);
    await context.close();
  }
}

const UNFOLD = 'for (const one of document.querySelectorAll("details:not(.sql)")) one.open = true';

async function webp(page: Page, width: number, most: number): Promise<Uint8Array> {
  const whole = await page.evaluate<number>("document.documentElement.scrollHeight");
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", {
    format: "webp",
    quality: 90,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width, height: Math.min(whole, most), scale: 1 },
  });
  return Buffer.from(data, "base64");
}
