import type { Context } from "hono";
import { agentsOf } from "../data/monitor/agents.ts";
import type { Ops, Process } from "../data/monitor/ops.ts";
import { agentsSql, type Recent } from "../data/monitor/recent.ts";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";
import { Ago, Mark, Ms, Sql, StateWord, Table } from "./parts/basics.tsx";
import { count, plural, short } from "./parts/format.ts";

const STATES = ["down", "degraded", "unknown", "maintenance", "up"] as const;

/** Who checks: when they were heard last, from where, and how well they keep their times. */
export async function agentsPage(
  c: Context<Env>,
  deps: WebDeps,
  { ops, recent }: { ops: Ops; recent: Recent },
) {
  const { pool, sites, clock } = deps;
  const now = clock.now();
  const [agents, lately, processes] = await Promise.all([
    agentsOf(pool, sites, now),
    recent.agents(),
    ops.processes(),
  ]);
  const latelyOf = new Map(lately.map((each) => [each.agentId, each]));
  const heard = agents.filter(({ isHeard }) => isHeard).length;
  return page(
    c,
    deps,
    { title: "Agents" },
    <>
      <div class="headline">
        <h1>
          {heard === 0 ? "No agent reports" : plural(heard, "agent reports", "agents report")}
        </h1>
        {agents.length > heard && <p class="dim">{agents.length - heard} silent</p>}
      </div>
      <Table
        head={[
          "location",
          "last result",
          "#sites",
          "what it sees",
          "#results/min",
          "#late, p50",
          "#late, p99",
          "~agent",
        ]}
        none={
          <>
            None has said anything in the last 26 hours: <code>httpmon agent -c …</code> starts one.
          </>
        }
        rows={agents.map((
          { id, uuid, location, labels, lastResult, isHeard, lastDay, sites, states },
        ) => [
          <span class="state">
            <Mark state={isHeard ? "up" : "unobserved"} /> {location ?? "not said"}
          </span>,
          lastResult === null ? lastDay : <Ago at={lastResult} now={now} />,
          count(sites),
          STATES.filter((state) => states[state] > 0).map((state) => (
            <StateWord state={state} word={`${count(states[state])} ${state}`} />
          )),
          count(Math.round((latelyOf.get(id)?.results ?? 0) / 2)),
          <Ms of={latelyOf.get(id)?.latenessP50 ?? null} />,
          <Ms of={latelyOf.get(id)?.latenessP99 ?? null} />,
          <>
            <code>{uuid}</code>{" "}
            <small>
              {Object.entries(labels).map(([name, value]) => `${name}: ${value}`).join(", ")}
            </small>
          </>,
        ])}
      />
      <Sql>{agentsSql(now)}</Sql>
      <h2>Processes</h2>
      <Processes
        processes={processes.filter(({ mode, error }) => mode === "agent" || error !== null)}
        columns={COLUMNS}
      />
    </>,
  );
}

export type Column = [title: string, metric: string, how: (value: number) => string];

const COLUMNS: Column[] = [
  ["sites", "httpmon_agent_sites", count],
  ["in flight", "httpmon_agent_checks_in_flight", count],
  ["late checks", "httpmon_agent_checks_late_total", count],
  ["skipped", "httpmon_agent_checks_skipped_total", count],
  ["outbox", "httpmon_agent_outbox_results", count],
  ["oldest in it", "httpmon_agent_outbox_oldest_age_seconds", (s) => short(s * 1_000)],
  ["dropped", "httpmon_agent_outbox_dropped_total", count],
  ["stalls", "httpmon_agent_stalls_total", count],
];

/** What processes say of themselves. */
export function Processes({ processes, columns }: {
  processes: readonly Process[];
  columns: readonly Column[];
}) {
  return (
    <Table
      head={["address", "is", "version", ...columns.map(([title]) => `#${title}`)]}
      none={
        <>
          None is known: <code>web.ops</code> of the dashboard's config names where they listen.
        </>
      }
      rows={processes.map(({ url, error, mode, version, value }) => {
        const isReady = value("httpmon_ready") === 1;
        return [
          url,
          error !== null
            ? <StateWord state="unobserved" word={`does not answer: ${error}`} />
            : (
              <StateWord
                state={isReady ? "up" : "degraded"}
                word={`${isReady ? "" : "not "}ready, ${mode}`}
              />
            ),
          version,
          ...columns.map(([, metric, how]) => {
            const found = value(metric);
            return found === null ? "–" : how(found);
          }),
        ];
      })}
    />
  );
}
