import type { Context } from "hono";
import { type Month, monthOf, type SiteReport } from "../../db/report/figures.ts";
import { duration } from "../../db/report/render.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { minutesOf } from "../data/past/reports.ts";
import type { Env } from "../env.ts";
import type { PageDeps } from "./index.tsx";
import { message } from "./layout.tsx";
import { At, Figures, Ms, Search, Sql, Table, Uptime } from "./parts/basics.tsx";
import { count, monthInWords, plural } from "./parts/format.ts";
import { pageIn, pageOf, Pages } from "./parts/paging.tsx";
import { whyOf } from "./parts/why.ts";

const PAGE = 50;

/** Months, the newest first. */
export async function reportsPage(c: Context<Env>, { reports }: PageDeps) {
  const months = await reports.months();
  return c.render(
    <>
      <h1>Reports</h1>
      <Table
        narrow
        of={months}
        none="There is one when the first hour of results is over."
        columns={{
          "month, UTC": ({ name }) => <a href={`/reports/${name}`}>{monthInWords(name)}</a>,
          "#sites": ({ sites }) => sites === null ? "–" : count(sites),
          "#uptime": ({ uptime }) => <Uptime of={uptime} />,
          "is": (month) => {
            if (month.isFrozen) return "frozen";
            return month === months[0] ? "under way" : "not frozen";
          },
        }}
      />
      {months.length > 0 && (
        <p class="dim">
          Uptime is of all sites' due times together.{" "}
          <code>httpmon report --month {(months[1] ?? months[0]!).name} --freeze</code>{" "}
          keeps the figures of a month for good.
        </p>
      )}
    </>,
    { title: "Reports" },
  );
}

/** A month of all sites, to be read or printed. */
export async function monthPage(c: Context<Env>, { reports, clock }: PageDeps) {
  return await withMonth(c, clock.now(), async (month) => {
    const text = (c.req.query("q") ?? "").trim().toLowerCase();
    const sites = (await reports.sitesOf(month))
      .filter(({ site, url }) => `${site}\n${url}`.toLowerCase().includes(text));
    const { at, pages, shown } = pageOf(sites, pageIn(c), PAGE);
    const rows = await reports.rowsOf(month, shown, clock.now());
    const here = `/reports/${month.name}`;
    const href = (to: number) =>
      `${here}?${new URLSearchParams({ ...text && { q: text }, page: String(to) })}`;
    return c.render(
      <>
        <div class="headline">
          <h1>{monthInWords(month.name)}</h1>
          <p class="dim">
            {month.since.slice(0, 10)} to {month.until.slice(0, 10)} UTC,{" "}
            {plural(sites.length, "site")}
            {pages > 1 && `, page ${at} of ${pages}`}
          </p>
        </div>
        <form class="filters" action={here} role="search">
          <Search value={text} />
          <button type="submit">Show</button>
        </form>
        <Table
          of={rows}
          none={text === "" ? "No site has a result in it." : (
            <>
              No site is called so: <a href={here}>show all</a>
            </>
          )}
          columns={{
            "site": ({ id, site }) => <a href={`${here}/${id}`}>{site}</a>,
            "#uptime": ({ uptime }) => <Uptime of={uptime} />,
            "#down": ({ minutesDown }) => minutes(minutesDown),
            "#failures": ({ failures }) => failures === null ? "–" : count(failures),
            "#p50": ({ p50 }) => <Ms of={p50} />,
            "#p95": ({ p95 }) => <Ms of={p95} />,
            "#p99": ({ p99 }) => <Ms of={p99} />,
            "#not observed": ({ minutesUnobserved }) => minutes(minutesUnobserved),
            "is": ({ revision }) => revision === null ? "not frozen" : `frozen, ${revision}`,
          }}
        />
        <Pages at={at} of={pages} href={href} />
        <p class="dim">
          Uptime is (up + degraded) / (up + degraded + down) in due times; what no agent reported is
          in none of them. All sites on one page:{" "}
          <code>httpmon report --month {month.name} --format html</code>
        </p>
      </>,
      { title: `Report of ${month.name}` },
    );
  });
}

/** A month of one site, with each of its failures. */
export async function siteMonthPage(c: Context<Env>, { reports, clock }: PageDeps) {
  return await withMonth(c, clock.now(), async (month) => {
    const id = Number(c.req.param("id"));
    const known = (await reports.sitesOf(month)).find((one) => one.id === id);
    if (!known) throw new UsageError(`Site ${id} has no results in ${month.name}`);
    const { site, figures, frozen, sql } = await reports.reportOf(month, known);
    const { slots, responseMs, failures, unobserved } = figures;
    return c.render(
      <>
        <div class="headline">
          <h1>{site}, {monthInWords(month.name)}</h1>
          <p class="dim">
            <a href={`/reports/${month.name}`}>all sites</a> · <a href={`/sites/${id}`}>now</a> ·
            {" "}
            {stateOf(frozen)}
          </p>
        </div>
        <Figures
          main
          of={[
            ["uptime", <Uptime of={figures.uptime} />],
            ["down", minutes(figures.minutesDown)],
            ["failures", failures === null ? "–" : count(failures.length)],
            ...(["p50", "p95", "p99"] as const).map((q) =>
              [q, <Ms of={responseMs?.[q] ?? null} />] as const
            ),
            ["not observed", minutes(minutesOf(unobserved))],
          ]}
        />
        <p>
          {plural(figures.checks, "result")}; due times:{" "}
          {Object.entries(slots).filter(([, n]) => n > 0)
            .map(([state, n]) => `${count(n)} ${state}`).join(", ")}.{figures.of !== "hours" &&
            ` Figures of whole ${figures.of}, as what they were added up from is dropped.`}
        </p>
        <h2>Failures</h2>
        <Table
          of={failures ?? []}
          none={failures === null ? "Not known any more: the days are dropped." : "None."}
          columns={{
            "since": ({ started }) => <At at={Date.parse(started)} />,
            "#lasted": ({ ended, minutes }) => ended === null ? "goes on" : duration(minutes),
            "~why": whyOf,
            "#agents": ({ agents }) => agents.length,
          }}
        />
        <h2>Not observed</h2>
        <Table
          narrow
          of={unobserved}
          columns={{
            "from": ({ started }) => <At at={Date.parse(started)} />,
            "to": ({ ended }) => <At at={Date.parse(ended)} />,
          }}
        />
        <Sql>
          {Object.entries(sql).map(([name, text]) => `-- ${name}\n${text};`).join("\n\n")}
        </Sql>
      </>,
      { title: `${site}, ${month.name}` },
    );
  });
}

async function withMonth(
  c: Context<Env>,
  now: number,
  show: (month: Month) => Promise<Response>,
): Promise<Response> {
  try {
    return await show(monthOf(c.req.param("month")!, now));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return await message(c, "No report", `${error.message}.`);
  }
}

function stateOf(frozen: SiteReport["frozen"]): string {
  if (frozen === null) return "not frozen";
  const late = "; late results changed the record since";
  return `frozen, revision ${frozen.revision}${frozen.changedSince ? late : ""}`;
}

function minutes(n: number) {
  return n === 0 ? <span class="none">none</span> : duration(n);
}
