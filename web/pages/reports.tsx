import type { Context } from "hono";
import { type Month, monthOf, type SiteReport } from "../../db/report/figures.ts";
import { duration } from "../../db/report/render.ts";
import { UsageError } from "../../runtime/exit_codes.ts";
import { minutesOf, type Reports } from "../data/reports.ts";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";
import { messagePage } from "./message.tsx";
import { At, Ms, Sql, Uptime } from "./parts/basics.tsx";
import { count, plural } from "./parts/format.ts";
import { whyOf } from "./parts/wrong.tsx";

const PAGE = 50;

/** Months, the newest first. */
export async function reportsPage(c: Context<Env>, deps: WebDeps, reports: Reports) {
  const months = await reports.months();
  return page(
    c,
    deps,
    { title: "Reports" },
    (
      <>
        <h1>Reports</h1>
        {months.length === 0
          ? <p>There is one when the first day is over.</p>
          : (
            <table class="narrow">
              <thead>
                <tr>
                  <th scope="col">month, UTC</th>
                  <th scope="col">is</th>
                </tr>
              </thead>
              <tbody>
                {months.map(({ name, isFrozen }, n) => (
                  <tr>
                    <td>
                      <a href={`/reports/${name}`}>{inWords(name)}</a>
                    </td>
                    <td>{isFrozen ? "frozen" : n === 0 ? "under way" : "not frozen"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        <p class="dim">
          <code>httpmon report --month 2026-10 --freeze</code>{" "}
          keeps the figures of a month for good.
        </p>
      </>
    ),
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
      (
        <>
          <div class="headline">
            <h1>{inWords(month.name)}</h1>
            <p class="dim">
              {month.since} to {month.until}, {plural(sites.length, "site")}
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
          <div class="wide">
            <table>
              <thead>
                <tr>
                  <th scope="col">site</th>
                  <th scope="col" class="n">uptime</th>
                  <th scope="col" class="n">down</th>
                  <th scope="col" class="n">failures</th>
                  <th scope="col" class="n">p50</th>
                  <th scope="col" class="n">p95</th>
                  <th scope="col" class="n">p99</th>
                  <th scope="col" class="n">not observed</th>
                  <th scope="col">is</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr>
                    <td class="name" title={row.site}>
                      <a href={`/reports/${month.name}/${row.id}`}>{row.site}</a>
                    </td>
                    <td class="n">
                      <Uptime of={row.uptime} />
                    </td>
                    <td class="n">{minutes(row.minutesDown)}</td>
                    <td class="n">{row.failures === null ? "–" : count(row.failures)}</td>
                    {(["p50", "p95", "p99"] as const).map((q) => (
                      <td class="n">
                        <Ms of={row[q]} />
                      </td>
                    ))}
                    <td class="n">{minutes(row.minutesUnobserved)}</td>
                    <td>{row.revision === null ? "not frozen" : `frozen, ${row.revision}`}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <nav class="pick pages" aria-label="Pages of the table">
            {at > 1 && <a href={href(at - 1)}>before</a>}
            {at < pages && <a href={href(at + 1)}>next</a>}
          </nav>
          <p class="dim">
            Uptime is (up + degraded) / (up + degraded + down) in due times; what no agent reported
            is in none of them. On one page without an end:{" "}
            <code>httpmon report --month {month.name} --format html</code>
          </p>
        </>
      ),
    );
  });
}

/** A month of one site, with each of its failures. */
export async function siteMonthPage(c: Context<Env>, deps: WebDeps, reports: Reports) {
  return await withMonth(c, deps, async (month) => {
    const id = Number(c.req.param("id"));
    const known = (await reports.sitesOf(month)).find((one) => one.id === id);
    if (!known) {
      const text = `Site ${id} has no results in ${month.name}.`;
      return messagePage(c, deps, "No report", text, 404);
    }
    const { site, figures, frozen, sql } = await reports.reportOf(month, known);
    const { slots, responseMs, failures, unobserved } = figures;
    const figure = (title: string, value: unknown, isMain = false) => (
      <div class={isMain ? "main" : undefined}>
        <dt>{title}</dt>
        <dd>{value}</dd>
      </div>
    );
    return page(
      c,
      deps,
      { title: `${site}, ${month.name}` },
      (
        <>
          <div class="headline">
            <h1>{site}, {inWords(month.name)}</h1>
            <p class="dim">
              <a href={`/reports/${month.name}`}>all sites</a> · <a href={`/sites/${id}`}>now</a> ·
              {" "}
              {stateOf(frozen)}
            </p>
          </div>
          <dl class="figures">
            {figure("uptime", <Uptime of={figures.uptime} />, true)}
            {figure("down", minutes(figures.minutesDown))}
            {figure("failures", failures === null ? "–" : count(failures.length))}
            {figure("p50", <Ms of={responseMs?.p50 ?? null} />)}
            {figure("p95", <Ms of={responseMs?.p95 ?? null} />)}
            {figure("p99", <Ms of={responseMs?.p99 ?? null} />)}
            {figure("not observed", minutes(minutesOf(unobserved)))}
          </dl>
          <p>
            {plural(figures.checks, "result")}; due times:{" "}
            {Object.entries(slots).filter(([, n]) => n > 0).map(([state, n]) =>
              `${count(n)} ${state}`
            )
              .join(", ")}.{figures.of !== "hours" &&
              ` Figures of whole ${figures.of}, as what they were added up from is dropped.`}
          </p>
          <h2>Failures</h2>
          {failures === null
            ? <p>Not known any more: the days are dropped.</p>
            : failures.length === 0
            ? <p>None.</p>
            : (
              <div class="wide">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">since</th>
                      <th scope="col" class="n">lasted</th>
                      <th scope="col">why</th>
                      <th scope="col" class="n">agents</th>
                    </tr>
                  </thead>
                  <tbody>
                    {failures.map((failure) => (
                      <tr>
                        <td>
                          <At at={Date.parse(failure.started)} />
                        </td>
                        <td class="n">
                          {failure.ended === null ? "goes on" : duration(failure.minutes)}
                        </td>
                        <td class="text">{whyOf(failure)}</td>
                        <td class="n">{failure.agents.length}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          {unobserved.length > 0 && (
            <>
              <h2>Not observed</h2>
              <ul class="timeline">
                {unobserved.map(({ started, ended }) => (
                  <li>
                    <At at={Date.parse(started)} /> to <At at={Date.parse(ended)} />
                  </li>
                ))}
              </ul>
            </>
          )}
          <Sql>
            {Object.entries(sql).map(([name, text]) => `-- ${name}\n${text};`).join("\n\n")}
          </Sql>
        </>
      ),
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
  return frozen.changedSince
    ? `frozen, revision ${frozen.revision}; late results changed the record since`
    : `frozen, revision ${frozen.revision}`;
}

function minutes(n: number) {
  return n === 0 ? <span class="none">none</span> : duration(n);
}

function inWords(month: string): string {
  return new Date(`${month}-01T00:00:00Z`)
    .toLocaleDateString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
}
