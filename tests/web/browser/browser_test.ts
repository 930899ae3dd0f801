/** The dashboard as people use it, in the machine's Chromium. */
import { assert, assertEquals } from "@std/assert";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { findChromium, startChromium } from "../../../local/chromium.ts";
import { quickHash } from "../access/quick_hash.ts";
import { serve } from "../serve.ts";
import { addIncident, DOWN, resultNow, webWorld, type World } from "../world.ts";

const ignore = findChromium() === null;
if (ignore) console.log("No Chromium is here: the tests in a browser are left out");

/** Against a hang: a slow machine takes its time for a page. */
const WAIT_MS = 120_000;
const STATUS = { groups: ["shop", "api"], title: "Example & status" };

/** Opens a page of its own, as in a browser that was never there. */
type Open = (path: string, context?: BrowserContextOptions) => Promise<Page>;

/** Steps on one world, served by an app that follows its database. */
function inBrowser(
  name: string,
  web: Record<string, unknown>,
  steps: Record<string, (open: Open, world: World) => Promise<void>>,
  minutes: number | null = 15,
): void {
  Deno.test({
    name,
    ignore,
    // What playwright holds is its own.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn(t) {
      await using world = await webWorld(web, minutes);
      await using served = await serve(world.app);
      const stop = new AbortController();
      const following = world.deps.sites.follow(stop.signal);
      const browser = await startChromium();
      try {
        for (const [step, work] of Object.entries(steps)) {
          await t.step(step, async () => {
            const errors: string[] = [];
            await work(opener(browser, served.url, errors), world);
            for (const context of browser.contexts()) await context.close();
            assertEquals(errors, []);
          });
        }
      } finally {
        stop.abort();
        await browser.close();
        await following;
      }
    },
  });
}

function opener(browser: Browser, url: string, errors: string[]): Open {
  return async (path, options = {}) => {
    const context = await browser.newContext(options);
    context.setDefaultTimeout(WAIT_MS);
    const page = await context.newPage();
    page.on("pageerror", ({ message }) => errors.push(`${path}: ${message}`));
    page.on("console", (message) => {
      // Chromium says it of a policy that was broken, among others.
      const isStatus = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isStatus) errors.push(`${path}: ${message.text()}`);
    });
    await page.goto(url + path);
    return page;
  };
}

/** Tabs on until what has the focus is called `name`. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = "(document.activeElement.ariaLabel ?? document.activeElement.textContent).trim()";
  for (let n = 0; n < 100; n++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(focused) === name) return;
  }
  throw new Error(`Nothing that is called "${name}" can be reached by the keyboard`);
}

async function pagesOf(world: World): Promise<string[]> {
  const incident = await addIncident(world, "checkout");
  await world.database.rows(
    `WITH letter AS (
       INSERT INTO dead_letters (cluster_id, topic, partition, "offset", value, reason, detail)
       VALUES ('c', 'monitoring', 0, 5, '{}', 'bad_message', 'ts: expected a time')
       ON CONFLICT DO NOTHING
     )
     INSERT INTO notifications (incident_id, channel, event, state, error)
     VALUES ($1, 'on-call', 'opened', 'failed', 'status 500')`,
    [incident],
  );
  const site = `/sites/${world.idOf("checkout")}`;
  return [
    ...["/?strip=checks", "/?state=down&sort=name", "/?q=nothing+is+so"],
    ...[
      site,
      `${site}?range=7d`,
      `${site}?from=2020-01-01&to=2020-01-02`,
      `/incidents/${incident}`,
    ],
    ...[`${MONTH}?q=nothing+is+so`, `${MONTH}${site.replace("/sites", "")}`],
    ...EVERYWHERE,
  ];
}

const MONTH = `/reports/${new Date().toISOString().slice(0, 7)}`;
/** Pages that are there whatever there is to see. */
const EVERYWHERE = [
  ...["/", "/incidents", "/agents", "/pipeline", "/reports", MONTH, "/status"],
  ...["/nowhere", "/sites/999999", "/incidents/999999", "/reports/2999-01"],
];

async function isNarrow(open: Open, paths: readonly string[]): Promise<void> {
  const wide: string[] = [];
  for (const path of paths) {
    const page = await open(path, { viewport: { width: 768, height: 740 } });
    for (const width of [768, 360]) {
      await page.setViewportSize({ width, height: 740 });
      // A chart is drawn anew once it sees its new width.
      await page.evaluate(
        "new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))",
      );
      const found = await page.evaluate("document.documentElement.scrollWidth");
      if (found !== width) wide.push(`${path}: ${found}, not ${width}`);
    }
    await page.context().close();
  }
  assertEquals(wide, []);
}

/** With all that is folded, in both modes. */
async function isForAll(open: Open, paths: readonly string[]): Promise<void> {
  const found: string[] = [];
  const backgrounds = new Set<unknown>();
  for (const path of paths) {
    const page = await open(path);
    await page.evaluate(axe.source);
    await page.evaluate('document.querySelectorAll("details").forEach((one) => one.open = true)');
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      backgrounds.add(
        await page.evaluate("getComputedStyle(document.documentElement).backgroundColor"),
      );
      // Nothing but colours is another in the dark.
      const rules = colorScheme === "dark" ? '{ runOnly: ["color-contrast"] }' : "{}";
      const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(${rules})`);
      for (const { id, impact, nodes } of violations) {
        if (impact !== "serious" && impact !== "critical") continue;
        found.push(`${path} (${colorScheme}): ${id}: ${nodes[0]!.html.slice(0, 200)}`);
      }
    }
    await page.context().close();
  }
  assertEquals(found, []);
  assertEquals(backgrounds, new Set(["rgb(255, 255, 255)", "rgb(19, 20, 22)"]));
}

async function noteIncident(open: Open, world: World, javaScriptEnabled: boolean) {
  const incident = await addIncident(world, "checkout");
  const page = await open("/incidents", { javaScriptEnabled });
  await page.locator(`a[href="/incidents/${incident}"]`).first().click();
  await page.getByRole("button", { name: "Acknowledge" }).click();
  await page.getByText(", acknowledged").waitFor();
  assertEquals(await page.getByRole("button", { name: "Acknowledge" }).count(), 0);
  const text = `We are at it: ${incident}`;
  await page.getByRole("textbox", { name: "A note" }).fill(text);
  await page.getByRole("checkbox", { name: /status page/ }).check();
  await page.getByRole("button", { name: "Add" }).click();
  await page.locator(".timeline").getByText(text).waitFor();
}

inBrowser("the dashboard shows and tells", { status: STATUS }, {
  async "a failure is followed to what the site answered"(open) {
    const page = await open("/");
    await page.locator(".wrong").getByRole("link", { name: "checkout" }).click();
    await page.waitForURL(/\/sites\/\d+/);
    const answer = page.getByText("HTTP/1.1 503 Service Unavailable").first();
    assertEquals(await answer.isVisible(), false);
    await page.getByText("what it answered").first().click();
    await answer.waitFor();
    await page.getByText("<h1>Sorry</h1>").first().waitFor();
  },

  async "a change of state arrives by itself"(open, world) {
    const page = await open("/");
    const row = page.locator(`tr[data-site="${world.idOf("front page")}"]`);
    await row.getByText("up", { exact: true }).waitFor();
    await page.evaluate("globalThis.isSamePage = true");
    await world.store(resultNow("front page", DOWN));
    await row.getByText("down", { exact: true }).waitFor();
    await page.getByRole("heading", { name: "4 sites are down" }).waitFor();
    const news = await page.locator("#news").innerText();
    assert(news.includes("front page is down"), news);
    await world.store(resultNow("front page"));
    await row.getByText("up", { exact: true }).waitFor();
    assertEquals(await page.evaluate("isSamePage"), true);
  },

  async "an incident is acknowledged and noted"(open, world) {
    await noteIncident(open, world, true);
  },

  async "so it is without JavaScript, and the status page shows it"(open, world) {
    await noteIncident(open, world, false);
    const page = await open("/status", { javaScriptEnabled: false });
    await page.getByText("We are at it: 2").waitFor();
  },

  async "without JavaScript sites are filtered, sorted and opened"(open) {
    const page = await open("/", { javaScriptEnabled: false });
    await page.getByRole("combobox", { name: "any state" }).selectOption("down");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/state=down/);
    assertEquals(await page.locator("tr[data-site]").count(), 3);
    await page.getByRole("link", { name: "p95" }).click();
    await page.waitForURL(/sort=p95/);
    await page.locator("tr[data-site]").getByRole("link", { name: "checkout" }).click();
    await page.getByRole("heading", { name: "Response time" }).waitFor();
    assert(await page.locator("main figure svg").first().isVisible());
  },

  async "no page is wider than a phone, or a tablet"(open, world) {
    await isNarrow(open, await pagesOf(world));
  },

  async "axe finds nothing serious, light or dark"(open, world) {
    await isForAll(open, await pagesOf(world));
  },

  async "the feed and the badges are well-formed"(open, world) {
    const page = await open("/status");
    const badge = `/badge/${world.idOf("checkout")}/uptime.svg`;
    for (const [path, root] of [["/feed.atom", "feed"], [badge, "svg"]] as const) {
      const text = JSON.stringify(await (await world.ask(path)).text());
      const parsed = `new DOMParser().parseFromString(${text}, "text/xml")`;
      assertEquals(await page.evaluate(`${parsed}.documentElement.nodeName`), root);
    }
  },
});

inBrowser("the dashboard before there is anything to see", { status: STATUS }, {
  "no page is wider than a phone, or a tablet": (open) => isNarrow(open, EVERYWHERE),
  "axe finds nothing serious, light or dark": (open) => isForAll(open, EVERYWHERE),

  async "it says what to do"(open) {
    const page = await open("/");
    await page.getByText("Is an agent running?").waitFor();
    await page.getByText("httpmon agent -c").waitFor();
  },
}, null);

const MANY = 10_000;
const users = { ada: { password: quickHash("correct horse") } };

inBrowser("the dashboard is for those who may, however many sites there are", {
  status: STATUS,
  users,
}, {
  async "the status page needs no login"(open) {
    const page = await open("/status");
    await page.getByRole("heading", { name: "Example & status" }).waitFor();
    assertEquals(await page.context().cookies(), []);
  },

  "axe finds nothing serious where one logs in": (open) => isForAll(open, ["/login"]),

  async "a site is found among 10,000, and by the keyboard alone"(open, world) {
    await world.database.rows(`
      WITH added AS (
        INSERT INTO sites (url, name) SELECT format('https://%s.example/', n), format('site-%s', n)
          FROM generate_series(1, ${MANY}) AS n RETURNING id
      )
      INSERT INTO check_results
        (ts, site_id, agent_id, response_time, response_code, context_id, verdict)
        SELECT now() - interval '5 seconds', id, 1, 20, 200, 1, 0 FROM added`);
    await world.deps.sites.load();

    const page = await open("/?state=down");
    await page.waitForURL(/\/login/);
    const logIn = async (password: string) => {
      await page.locator('input[name="name"]:focus').waitFor();
      await page.keyboard.type("ada");
      await page.keyboard.press("Tab");
      await page.keyboard.type(password);
      await page.keyboard.press("Enter");
    };
    await logIn("wrong horse");
    await page.getByRole("alert").waitFor();
    await logIn("correct horse");
    await page.waitForURL(/\/\?state=down$/);

    await tabTo(page, "Overview");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/$/);
    await tabTo(page, "Search");
    await page.keyboard.type("site-7654");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=site-7654/);
    assertEquals(await page.locator("tr[data-site]").count(), 1);
    await tabTo(page, "site-7654");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/sites\/\d+/);
    await page.getByRole("heading", { level: 1, name: "site-7654" }).waitFor();

    await page.goto(page.url().replace(/\/sites\/.*/, "/"));
    await tabTo(page, "Skip to the content");
    await page.keyboard.press("Enter");
    await tabTo(page, "checkout");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/sites\//);
    await tabTo(page, "what it answered");
    await page.keyboard.press("Enter");
    await page.getByText("HTTP/1.1 503 Service Unavailable").first().waitFor();
    // Who only looks is offered nothing to do.
    assertEquals(await page.locator('main form[method="post"]').count(), 0);
    await tabTo(page, "Log out");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/login/);
  },
});
