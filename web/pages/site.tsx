import type { Context } from "hono";
import { lastChecks } from "../data/checks.ts";
import { DAYS } from "../data/history.ts";
import { incidents } from "../data/incidents.ts";
import { rangeOf } from "../data/range.ts";
import {
  byAgent,
  chainOf,
  failuresOf,
  lastResults,
  quantilesOf,
  resultsSql,
  seriesOf,
  siteNamed,
} from "../data/site.ts";
import { literal } from "../data/sql.ts";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";
import { messagePage } from "./message.tsx";
import { Ms, Sql, Uptime } from "./parts/basics.tsx";
import { PhaseChart, ResponseChart } from "./parts/chart.tsx";
import { count, plural, span } from "./parts/format.ts";
import { IncidentRows } from "./parts/incident_rows.tsx";
import { CheckNow, Head, RangePicker } from "./parts/site_head.tsx";
import { Certificates, Failures, Locations, Results, Rules } from "./parts/site_record.tsx";
import { CheckStrip, DayStrip } from "./parts/strip.tsx";

const CHECKS = 60;
const FAILURES = 25;
const INCIDENTS = 10;
const RESULTS = 15;

/** All about one site, over a range. */
export async function site(c: Context<Env>, deps: WebDeps) {
  const { pool, sites, history, clock, config } = deps;
  const now = clock.now();
  const id = Number(c.req.param("id"));
  const known = id <= 2 ** 31 ? await siteNamed(pool, id) : null;
  if (known === null) return messagePage(c, deps, "No such site", `There is no site ${id}.`, 404);
  const { name, url, isNamed } = known;
  const range = rangeOf(c.req.query(), now);
  const agent = Number(c.req.query("agent")) || null;
  const [points, failures, open, agents, chain, quantiles, checks, results] = await Promise.all([
    seriesOf(pool, id, agent, range),
    failuresOf(pool, id, range, FAILURES),
    incidents(pool, {
      siteId: id,
      since: range.since,
      until: range.until,
      limit: INCIDENTS,
    }),
    byAgent(pool, id, range),
    chainOf(pool, id),
    quantilesOf(pool, id, range),
    lastChecks(pool, [id], CHECKS),
    lastResults(pool, name, now, RESULTS),
  ]);
  const sum = (field: "up" | "degraded" | "down" | "unknown" | "maintenance" | "checks") =>
    agents.reduce((total, one) => total + one[field], 0);
  const counted = sum("up") + sum("degraded") + sum("down");
  const expiresAt = sites.get(id)?.certificateExpiresAt ?? null;
  const ids = `httpmon_site_ids(${literal(name)})`;
  const bounds = `${literal(range.since)}, ${literal(range.until)}`;
  const uptimes = [1, 30, DAYS].map((days) =>
    `SELECT httpmon_uptime(${literal(name)}, ${literal(history.since(days))}, now());  -- ${days} d`
  );
  const settings = config.sites.find((one) =>
    one.url === url && one.name === (isNamed ? name : null)
  );
  return page(
    c,
    deps,
    { title: name, live: `/live/sites/${id}`, charts: true },
    (
      <>
        <div id="head">
          <Head site={sites.get(id)} known={known} now={now} />
        </div>
        {config.web.ops.length > 0 && <CheckNow id={id} who={c.get("who")} csrf={c.get("csrf")} />}
        <dl class="figures">
          <div class="main">
            <dt>uptime, 30 days</dt>
            <dd>
              <Uptime of={history.uptime(id, 30)} />
            </dd>
          </div>
          <div>
            <dt>24 h</dt>
            <dd>
              <Uptime of={history.uptime(id, 1)} />
            </dd>
          </div>
          <div>
            <dt>90 days</dt>
            <dd>
              <Uptime of={history.uptime(id, DAYS)} />
            </dd>
          </div>
          <div>
            <dt>certificate</dt>
            <dd>
              {expiresAt === null
                ? <span class="none">none seen</span>
                : <>{span(expiresAt - now)} left</>}
            </dd>
          </div>
        </dl>
        <Sql>{uptimes.join("\n")}</Sql>

        <h2>Last {DAYS} days</h2>
        <DayStrip days={history.days(id)} now={now} />
        <h2>Last {CHECKS} checks</h2>
        <CheckStrip checks={checks.get(id) ?? []} length={CHECKS} />
        <Sql>
          SELECT * FROM httpmon_strips({ids},{" "}
          {literal(history.since(DAYS - 1))}, now(), 'day');{"\n"}
          SELECT * FROM httpmon_last_checks({ids}, {CHECKS});
        </Sql>

        <RangePicker
          id={id}
          range={range}
          agent={agent}
          agents={agents.map(({ agentId }) => agentId)}
          sites={sites}
        />
        <h2 id="response">Response time</h2>
        <dl class="figures small">
          {(["p50", "p95", "p99"] as const).map((q) => (
            <div>
              <dt>{q}</dt>
              <dd>
                <Ms of={quantiles[q]} />
              </dd>
            </div>
          ))}
          <div>
            <dt>uptime in this range</dt>
            <dd>
              <Uptime of={counted === 0 ? null : (sum("up") + sum("degraded")) / counted} />
            </dd>
          </div>
        </dl>
        {points.length === 0 ? <p>No result in this range.</p> : (
          <>
            <ResponseChart points={points} range={range} />
            <h3>Phases of a response (medians; what did not take place is not there)</h3>
            <PhaseChart points={points} range={range} />
          </>
        )}
        <Sql>
          {range.step === "results"
            ? resultsSql(
              String(id),
              literal(range.since),
              literal(range.until),
              `'${range.stepMs} ms'`,
              String(agent ?? "NULL"),
            )
            : `SELECT * FROM httpmon_series(${ids}, ${bounds}, '${range.step}'${
              agent === null ? "" : ", true"
            })${agent === null ? "" : ` WHERE agent_id = ${agent}`}`};{"\n\n"}
          SELECT p50, p95, p99 FROM httpmon_percentiles_of({ids}, {bounds});
        </Sql>

        <h2>Failures</h2>
        <Failures failures={failures} most={FAILURES} now={now} />
        <Sql>SELECT * FROM httpmon_failures({ids}, {bounds});</Sql>

        <h2>Incidents</h2>
        <IncidentRows incidents={open} now={now} />

        <h2>Slots accounted for</h2>
        <p>
          {plural(sum("checks"), "result")} answer for{" "}
          {plural(counted + sum("unknown") + sum("maintenance"), "due time")}:{" "}
          {(["up", "degraded", "down", "unknown", "maintenance"] as const)
            .filter((field) => sum(field) > 0)
            .map((field) => `${count(sum(field))} ${field}`).join(", ") || "none"}. Uptime counts
          the first three.
        </p>
        <Locations agents={agents} sites={sites} id={id} now={now} />
        <Sql>SELECT * FROM httpmon_rollup({ids}, {bounds});</Sql>

        <h2>Certificate</h2>
        <Certificates chain={chain} now={now} />

        <h2>Rules in force</h2>
        <Rules site={settings ?? null} />

        <h2>Last results</h2>
        <Results results={results} />
        <Sql>
          SELECT * FROM httpmon_results({literal(name)}, now() - interval '26 hours', now(),{" "}
          {RESULTS});
        </Sql>
      </>
    ),
  );
}
