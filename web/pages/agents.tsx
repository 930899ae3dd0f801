import type { Context } from "hono";
import { agentsOf } from "../data/monitor/agents.ts";
import { agentsSql } from "../data/monitor/recent.ts";
import { labelsOf } from "../data/now/selection.ts";
import type { Env } from "../env.ts";
import type { PageDeps } from "./index.tsx";
import { Ago, Marked, Ms, Sql, StateWord, Table } from "./parts/basics.tsx";
import { count, plural, short } from "./parts/format.ts";
import { Processes } from "./parts/processes.tsx";

const STATES = ["down", "degraded", "unknown", "maintenance", "up"] as const;

/** Who checks: when they were heard last, from where, and how well they keep their times. */
export async function agentsPage(c: Context<Env>, deps: PageDeps) {
  const { pool, sites, clock, recent } = deps;
  const now = clock.now();
  const [agents, lately, processes] = await Promise.all([
    agentsOf(pool, sites),
    recent.agents.get(),
    deps.processes.get(),
  ]);
  const latelyOf = new Map(lately.map((each) => [each.agentId, each]));
  const heard = agents.filter(({ isHeard }) => isHeard).length;
  return c.render(
    <>
      <div class="headline">
        <h1>
          {heard === 0 ? "No agent reports" : plural(heard, "agent reports", "agents report")}
        </h1>
        {agents.length > heard && <p class="dim">{agents.length - heard} silent</p>}
      </div>
      <Table
        of={agents}
        none={
          <>
            None has said anything in the last 26 hours: <code>httpmon agent -c …</code> starts one.
          </>
        }
        columns={{
          "location": ({ isHeard, location }) => (
            <Marked state={isHeard ? "up" : "unobserved"}>{location ?? "not said"}</Marked>
          ),
          "last result": ({ lastResult, lastSeen }) => (
            lastResult === null ? lastSeen : <Ago at={lastResult} now={now} />
          ),
          "#sites": ({ sites }) => count(sites),
          "what it sees": ({ states }) =>
            STATES.filter((state) => states[state] > 0).map((state) => (
              <StateWord state={state} word={`${count(states[state])} ${state}`} />
            )),
          "#results/min": ({ id }) => count(Math.round((latelyOf.get(id)?.results ?? 0) / 2)),
          "#late, p50": ({ id }) => <Ms of={latelyOf.get(id)?.latenessP50 ?? null} />,
          "#late, p99": ({ id }) => <Ms of={latelyOf.get(id)?.latenessP99 ?? null} />,
          "~agent": ({ uuid, labels }) => (
            <>
              <code>{uuid}</code> <small>{labelsOf(labels).join(", ")}</small>
            </>
          ),
        }}
      />
      <Sql>{agentsSql(now)}</Sql>
      <h2>Processes</h2>
      <Processes
        of={processes.filter(({ mode, error }) => mode === "agent" || error !== null)}
        metrics={{
          "sites": ["httpmon_agent_sites", count],
          "in flight": ["httpmon_agent_checks_in_flight", count],
          "late checks": ["httpmon_agent_checks_late_total", count],
          "skipped": ["httpmon_agent_checks_skipped_total", count],
          "outbox": ["httpmon_agent_outbox_results", count],
          "oldest in it": ["httpmon_agent_outbox_oldest_age_seconds", (s) => short(s * 1_000)],
          "dropped": ["httpmon_agent_outbox_dropped_total", count],
          "stalls": ["httpmon_agent_stalls_total", count],
        }}
      />
    </>,
    { title: "Agents" },
  );
}
