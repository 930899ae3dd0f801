import type { Context } from "hono";
import { incidents } from "../data/incidents/incidents.ts";
import { chainOf, failuresOf } from "../data/past/failures.ts";
import { DAYS, HOUR_MS } from "../data/past/history.ts";
import { knownSite } from "../data/past/known_site.ts";
import { NO_PERCENTILES, percentilesOf } from "../data/past/percentiles.ts";
import { type Range, rangeOf } from "../data/past/range.ts";
import { lastChecks, lastResults } from "../data/past/results.ts";
import { noCounts, uptimeOf } from "../data/past/ring.ts";
import { byAgent, seriesOf, seriesSql } from "../data/past/series.ts";
import { literal } from "../data/sql.ts";
import type { Env, WebDeps } from "../env.ts";
import { message } from "./layout.tsx";
import { DaysLeft, Figures, Ms, Send, Sql, Uptime } from "./parts/basics.tsx";
import { PhaseChart, ResponseChart } from "./parts/chart.tsx";
import { count, plural } from "./parts/format.ts";
import { IncidentRows } from "./parts/incident_rows.tsx";
import { Head, RangePicker } from "./parts/site/site_head.tsx";
import { Certificates, Failures, Locations, Results, Rules } from "./parts/site/site_record.tsx";
import { CheckStrip, DayStrip } from "./parts/strip.tsx";

const CHECKS = 60;
const FAILURES = 25;
const INCIDENTS = 10;
const RESULTS = 15;

/** All about one site, over a range. */
export async function sitePage(c: Context<Env>, deps: WebDeps) {
  const { pool, sites, history, clock, config } = deps;
  const now = clock.now();
  const id = Number(c.req.param("id"));
  const known = await knownSite(pool, id);
  if (known === null) return message(c, "No such site", `There is no site ${id}.`);
  const { name, url, isNamed } = known;
  const range = rangeOf(c.req.query(), now);
  const agent = Number(c.req.query("agent")) || null;
  const seen = sites.latest.of(id);
  const [points, failures, happened, agents, chain, percentiles, checks, results] = await Promise
    .all([
      seriesOf(pool, id, agent, range),
      failuresOf(pool, id, range, FAILURES),
      incidents(pool, { siteId: id, ...range, limit: INCIDENTS }),
      byAgent(pool, id, range, seen),
      chainOf(pool, id),
      percentilesOf(pool, [id], new Date(range.since), new Date(range.until)),
      lastChecks(pool, [id], CHECKS),
      lastResults(pool, name, [new Date(now - 26 * HOUR_MS), new Date(now + HOUR_MS)], RESULTS),
    ]);
  const counts = noCounts();
  const fields = Object.keys(counts) as (keyof typeof counts)[];
  for (const one of agents) for (const field of fields) counts[field] += one[field];
  const quantiles = percentiles.get(id) ?? NO_PERCENTILES;
  const total = (of: readonly number[]) => of.reduce((sum, n) => sum + n, 0);
  const expiresAt = sites.get(id)?.certificateExpiresAt ?? null;
  const settings = config.sites.find((one) =>
    one.url === url && one.name === (isNamed ? name : null)
  );
  const sql = sqlOf(name, range);
  // A result may be late, and a site that is checked seldom has none in most steps.
  const everyMs = (sites.get(id)?.frequency ?? 0) * 1_000;
  const gapMs = range.step === "results" ? 2 * Math.max(range.stepMs, everyMs) : range.stepMs;
  return c.render(
    <>
      <div id="head">
        <Head site={sites.get(id)} known={known} now={now} />
      </div>
      {config.web.ops.length > 0 && c.get("who").role === "operate" &&
        <Send to={`/sites/${id}/check`} csrf={c.get("csrf")} says="Check now" />}
      <Figures
        main
        of={[
          ["uptime, 30 days", <Uptime of={history.uptime(id, 30)} />],
          ["24 h", <Uptime of={history.uptime(id, 1)} />],
          ["90 days", <Uptime of={history.uptime(id, DAYS)} />],
          [
            "certificate ends in",
            expiresAt === null ? "none seen" : <DaysLeft until={expiresAt} now={now} />,
          ],
        ]}
      />
      <Sql>
        {[1, 30, DAYS].map((days) =>
          `SELECT httpmon_uptime(${literal(name)}, ${
            literal(history.since(days))
          }, now());  -- ${days} d\n`
        )}
      </Sql>

      <div class="beside">
        <section>
          <h2>Last {DAYS} days</h2>
          <DayStrip days={history.days(id)} now={now} />
        </section>
        <section>
          <h2>Last {CHECKS} checks</h2>
          <CheckStrip checks={checks.get(id) ?? []} length={CHECKS} />
        </section>
      </div>
      <Sql>
        {sql.strips(history.since(DAYS - 1))}
      </Sql>

      <RangePicker id={id} range={range} agent={agent} agents={agents} />
      <h2>Response time</h2>
      <Figures
        of={[
          ...(["p50", "p95", "p99"] as const).map((q) => [q, <Ms of={quantiles[q]} />] as const),
          [
            "uptime in this range",
            <Uptime of={uptimeOf(counts)} />,
          ],
        ]}
      />
      {points.length === 0 ? <p>No result in this range: choose another one.</p> : (
        <>
          <ResponseChart {...{ points, range, gapMs }} />
          <h3>Phases of a response (medians; what did not take place is not there)</h3>
          <PhaseChart {...{ points, range, gapMs }} />
        </>
      )}
      <Sql>{`${seriesSql(id, agent, range)};\n\n${sql.quantiles}`}</Sql>

      <h2>Failures</h2>
      <Failures of={failures} now={now} />
      {failures.length === FAILURES && <p class="dim">The newest {FAILURES} of this range.</p>}
      <Sql>{sql.failures}</Sql>

      <h2>Incidents</h2>
      <IncidentRows of={happened} now={now} />

      <h2>Slots accounted for</h2>
      {agents.length > 0 && (
        <p>
          {plural(total(agents.map(({ checks }) => checks)), "result answers", "results answer")}
          {" "}
          for {plural(total(Object.values(counts)), "due time")}:{" "}
          {fields.filter((field) => counts[field] > 0)
            .map((field) => `${count(counts[field])} ${field}`).join(", ") || "none"}. Uptime counts
          up, degraded and down.
        </p>
      )}
      <Locations agents={agents} seen={seen} now={now} />
      <Sql>{sql.slots}</Sql>

      <h2>Certificate</h2>
      <Certificates of={chain} now={now} />

      <h2>Rules in force</h2>
      <Rules site={settings ?? null} />

      <h2>Last results</h2>
      <Results of={results} />
      <Sql>{sql.results}</Sql>
    </>,
    { title: name, live: `/live/sites/${id}`, charts: true },
  );
}

/** What gives the figures, for who wants to ask further. */
function sqlOf(name: string, { since, until }: Range) {
  const ids = `httpmon_site_ids(${literal(name)})`;
  const range = `${ids}, ${literal(since)}, ${literal(until)}`;
  return {
    strips: (from: number) =>
      `SELECT * FROM httpmon_strips(${ids}, ${literal(from)}, now(), 'day');\n` +
      `SELECT * FROM httpmon_last_checks(${ids}, ${CHECKS});`,
    quantiles: `SELECT p50, p95, p99 FROM httpmon_percentiles_of(${range});`,
    failures: `SELECT * FROM httpmon_failures(${range});`,
    slots: `SELECT * FROM httpmon_rollup(${range});`,
    results: `SELECT * FROM httpmon_results(${
      literal(name)
    }, now() - interval '26 hours', now(), ${RESULTS});`,
  };
}
