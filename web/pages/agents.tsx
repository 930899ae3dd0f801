import type { Context } from "hono";
import { agentsOf, recentSql } from "../data/agents.ts";
import type { Ops, Process } from "../data/ops.ts";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";
import { Ago, Mark, Ms, Sql } from "./parts/basics.tsx";
import { count, plural, short } from "./parts/format.ts";

/** An agent of which nothing came for so long is said to be silent. */
const SILENT_MS = 5 * 60_000;
const STATES = ["down", "degraded", "unknown", "maintenance", "up"] as const;

/** Who checks: when they were heard last, from where, and how well they keep their times. */
export async function agentsPage(c: Context<Env>, deps: WebDeps, ops: Ops) {
  const { pool, sites, clock } = deps;
  const now = clock.now();
  const [agents, processes] = await Promise.all([agentsOf(pool, sites, now), ops.processes()]);
  const active = agents.filter(({ lastResult }) =>
    lastResult !== null && now - lastResult < SILENT_MS
  );
  return page(
    c,
    deps,
    { title: "Agents" },
    (
      <>
        <div class="headline">
          <h1>{plural(active.length, "agent reports", "agents report")}</h1>
          <p class="dim">
            {agents.length > active.length && `${agents.length - active.length} silent`}
          </p>
        </div>
        {agents.length === 0
          ? (
            <p>
              None has said anything yet. <code>httpmon agent -c …</code> starts one.
            </p>
          )
          : (
            <div class="wide">
              <table>
                <thead>
                  <tr>
                    <th scope="col">location</th>
                    <th scope="col">last result</th>
                    <th scope="col" class="n">sites</th>
                    <th scope="col">what it sees</th>
                    <th scope="col" class="n">results/min</th>
                    <th scope="col" class="n">late, p50</th>
                    <th scope="col" class="n">late, p99</th>
                    <th scope="col">labels</th>
                    <th scope="col">agent</th>
                  </tr>
                </thead>
                <tbody>
                  {agents.map((
                    { uuid, location, labels, lastResult, lastDay, sites, states, recent },
                  ) => (
                    <tr>
                      <td>
                        <Mark
                          state={lastResult !== null && now - lastResult < SILENT_MS
                            ? "up"
                            : "unobserved"}
                        />{" "}
                        {location ?? <span class="none">not said</span>}
                      </td>
                      <td>{lastResult === null ? lastDay : <Ago at={lastResult} now={now} />}</td>
                      <td class="n">{count(sites)}</td>
                      <td>
                        {STATES.filter((state) => states[state] > 0).map((state) => (
                          <span class={`state ${state}`}>
                            <Mark state={state} /> {count(states[state])} {state}
                            {"  "}
                          </span>
                        ))}
                      </td>
                      <td class="n">{count(Math.round(recent.results / 2))}</td>
                      <td class="n">
                        <Ms of={recent.latenessP50} />
                      </td>
                      <td class="n">
                        <Ms of={recent.latenessP99} />
                      </td>
                      <td class="text">
                        {Object.entries(labels).map(([name, value]) => `${name}: ${value}`).join(
                          ", ",
                        )}
                      </td>
                      <td>
                        <code>{uuid}</code>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        <Sql>{recentSql(now)}</Sql>
        <h2>Processes</h2>
        <Processes
          processes={processes.filter(({ mode, error }) => mode === "agent" || error !== null)}
          columns={AGENT_COLUMNS}
        />
      </>
    ),
  );
}

export type Column = [title: string, metric: string, how: (value: number) => string];

const AGENT_COLUMNS: Column[] = [
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
  if (processes.length === 0) {
    return (
      <p class="dim">
        None is known: name their addresses (<code>agent.listen</code>, <code>writer.listen</code>,
        {" "}
        <code>alerts.listen</code>) in <code>web.ops</code> of the dashboard's config.
      </p>
    );
  }
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">address</th>
            <th scope="col">is</th>
            <th scope="col">version</th>
            {columns.map(([title]) => <th scope="col" class="n">{title}</th>)}
          </tr>
        </thead>
        <tbody>
          {processes.map(({ url, error, mode, version, value }) => (
            <tr>
              <td>{url}</td>
              {error !== null
                ? (
                  <td colspan={columns.length + 2} class="text">
                    <Mark state="unobserved" /> does not answer: {error}
                  </td>
                )
                : (
                  <>
                    <td>
                      <Mark state={value("httpmon_ready") === 1 ? "up" : "degraded"} />{" "}
                      {value("httpmon_ready") === 1 ? "ready" : "not ready"}, {mode}
                    </td>
                    <td>{version}</td>
                    {columns.map(([, metric, how]) => {
                      const found = value(metric);
                      return <td class="n">{found === null ? "–" : how(found)}</td>;
                    })}
                  </>
                )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
