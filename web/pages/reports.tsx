import type { Context } from "hono";
import { type Month, monthOf, type SiteReport } from "../../db/report/figures.ts";
import { duration } from "../../db/report/render.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { minutesOf, type Reports } from "../data/past/reports.ts";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";
import { messagePage } from "./message.tsx";
import { At, Figures, Ms, Pages, Sql, Table, Uptime } from "./parts/basics.tsx";
import { count, monthInWords, plural } from "./parts/format.ts";
import { whyOf } from "./parts/why.ts";

const PAGE = 50;

/** Months, the newest first. */
export async function reportsPage(c: Context<Env>, deps: WebDeps, reports: Reports) {
  const months = await reports.months();
  return page(
    c,
    deps,
    { title: "Reports" },
    <>
      <h1>Reports</h1>
      <Table
        narrow
        head={["month, UTC", "#sites", "#uptime", "is"]}
        none="There is one when the first hour of results is over."
        rows={months.map(({ name, isFrozen, sites, uptime }, n) => [
          <a href={`/reports/${name}`}>{monthInWords(name)}</a>,
          sites === null ? "–" : count(sites),
          <Uptime of={uptime} />,
          isFrozen ? "frozen" : n === 0 ? "under way" : "not frozen",
        ])}
      />
      {months.length > 0 && (
        <p class="dim">
          Uptime is of all sites' due times together.{" "}
          <code>httpmon report --month {(months[1] ?? months[0]!).name} --freeze</code>{" "}
          keeps the figures of a month for good.
        </p>
      )}
    </>,
  );
}

/** A month of all sites, to be read or printed. */
export async function monthPage(c: Context<Env>, deps: WebDeps, reports: Reports) {
  return await withMonth(c, deps, async (month) => {
    const text = (c.req.query("q") ?? "").trim().toLowerCase();
    const sites = (await reports.sitesOf(month))
      .filter(({ site, url }) => `${site}\n${url}`.toLowerCase().includes(text));
    const pages = Math.max(1, Math.ceil(sites.length / PAGE));
    const at = Math.min(pages, Math.max(1, Math.floor(Number(c.req.query("page")) || 1)));
    const shown = sites.slice((at - 1) * PAGE, at * PAGE);
    const rows = await reports.rowsOf(month, shown, deps.clock.now());
    const href = (to: number) =>
      `/reports/${month.name}?${new URLSearchParams({ ...text && { q: text }, page: String(to) })}`;
    return page(
      c,
      deps,
      { title: `Report of ${month.name}` },
      <>
        <div class="headline">
          <h1>{monthInWords(month.name)}</h1>
          <p class="dim">
            {month.since.slice(0, 10)} to {month.until.slice(0, 10)} UTC,{" "}
            {plural(sites.length, "site")}
            {pages > 1 && `, page ${at} of ${pages}`}
          </p>
        </div>
        <form class="filters" action={`/reports/${month.name}`} role="search">
          <input
            type="search"
            name="q"
            value={text}
            placeholder="name or URL"
            aria-label="Search"
          />
          <button type="submit">Show</button>
        </form>
        <Table
          head={[
            "site",
            "#uptime",
            "#down",
            "#failures",
            "#p50",
            "#p95",
            "#p99",
            "#not observed",
            "is",
          ]}
          none={text === "" ? "No site has a result in it." : (
            <>
              No site is called so: <a href={`/reports/${month.name}`}>show all</a>
            </>
          )}
          rows={rows.map((row) => [
            <a href={`/reports/${month.name}/${row.id}`}>{row.site}</a>,
            <Uptime of={row.uptime} />,
            minutes(row.minutesDown),
            row.failures === null ? "–" : count(row.failures),
            <Ms of={row.p50} />,
            <Ms of={row.p95} />,
            <Ms of={row.p99} />,
            minutes(row.minutesUnobserved),
            row.revision === null ? "not frozen" : `frozen, ${row.revision}`,
          ])}
        />
        <Pages at={at} of={pages} href={href} />
        <p class="dim">
          Uptime is (up + degraded) / (up + degraded + down) in due times; what no agent reported is
          in none of them. All sites on one page:{" "}
          <code>httpmon report --month {month.name} --format html</code>
        </p>
      </>,
    );
  });
}

/** A month of one site, with each of its failures. */
export async function siteMonthPage(c: Context<Env>, deps: WebDeps, reports: Reports) {
  return await withMonth(c, deps, async (month) => {
    const id = Number(c.req.param("id"));
    const known = (await reports.sitesOf(month)).find((one) => one.id === id);
    if (!known) throw new UsageError(`Site ${id} has no results in ${month.name}`);
    const { site, figures, frozen, sql } = await reports.reportOf(month, known);
    const { slots, responseMs, failures, unobserved } = figures;
    return page(
      c,
      deps,
      { title: `${site}, ${month.name}` },
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
          head={["since", "#lasted", "~why", "#agents"]}
          none={failures === null ? "Not known any more: the days are dropped." : "None."}
          rows={(failures ?? []).map((failure) => [
            <At at={Date.parse(failure.started)} />,
            failure.ended === null ? "goes on" : duration(failure.minutes),
            whyOf(failure),
            failure.agents.length,
          ])}
        />
        <h2>Not observed</h2>
        <Table
          narrow
          head={["from", "to"]}
          rows={unobserved.map(({ started, ended }) => [
            <At at={Date.parse(started)} />,
            <At at={Date.parse(ended)} />,
          ])}
        />
        <Sql>
          {Object.entries(sql).map(([name, text]) => `-- ${name}\n${text};`).join("\n\n")}
        </Sql>
      </>,
    );
  });
}

async function withMonth(
  c: Context<Env>,
  deps: WebDeps,
  show: (month: Month) => Promise<Response>,
): Promise<Response> {
  try {
    return await show(monthOf(c.req.param("month")!, deps.clock.now()));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return await messagePage(c, deps, "No report", `${error.message}.`, 404);
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
