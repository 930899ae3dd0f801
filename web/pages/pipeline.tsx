import type { Context } from "hono";
import type { Process } from "../data/monitor/ops.ts";
import {
  deadLetters,
  notificationsOf,
  type Pipeline,
  pipelineOf,
  pipelineSql,
} from "../data/monitor/pipeline.ts";
import { minutesSql } from "../data/monitor/recent.ts";
import { HOUR_MS } from "../data/past/history.ts";
import type { Env } from "../env.ts";
import type { PageDeps } from "./index.tsx";
import { QUIET_MS } from "./overview.tsx";
import { Ago, At, Figures, Mark, Send, Sql, Table } from "./parts/basics.tsx";
import { amount, bytes, count, plural, short } from "./parts/format.ts";
import { Notifications } from "./parts/incident_rows.tsx";
import { Processes } from "./parts/processes.tsx";

const LETTERS = 25;
const NOTIFICATIONS = 25;
/** Writers roll an hour up within minutes of a mark. */
const ROLLUP_LATE_MS = 3 * HOUR_MS;

/** Whether the monitor itself is well: from the topic to the tables, and to who is told. */
export async function pipelinePage(c: Context<Env>, deps: PageDeps) {
  const { pool, sites, clock, recent, selections } = deps;
  const now = clock.now();
  const { agentsSilent: silent } = selections.summary();
  const [pipeline, minutes, letters, owed, processes] = await Promise.all([
    pipelineOf(pool, now),
    recent.minutes.get(),
    deadLetters(pool, LETTERS),
    notificationsOf(pool, null, NOTIFICATIONS),
    deps.processes.get(),
  ]);
  const amiss = whatIsAmiss(pipeline, { now, newest: sites.latest.newest, silent, processes });
  const sql = pipelineSql(now);
  const perSecond = total(minutes, ({ results }) => results) / 300;
  const behind = pipeline.partitions.filter(({ consumer }) => consumer === "writer")
    .map(({ lastRecord }) => now - (lastRecord ?? 0));
  const mayReplay = c.get("who").role === "operate";
  const ago = (at: number | null) => at === null ? "–" : <Ago at={at} now={now} />;
  return c.render(
    <>
      <h1>
        <Mark state={amiss.length > 0 ? "degraded" : "up"} /> {amiss[0] ?? "The monitor is well"}
      </h1>
      {amiss.length > 1 && <p>Besides: {amiss.slice(1).join("; ")}.</p>}
      <Figures
        of={[
          ["last result", ago(sites.latest.newest || null)],
          [
            "results, last 5 min",
            <>
              {amount(perSecond)} <small>/s</small>
            </>,
          ],
          [
            "last record stored",
            behind.length === 0 ? "none" : `${short(Math.min(...behind))} ago`,
          ],
          ["rollups to be made", count(total(pipeline.rollups, ({ count }) => count))],
        ]}
      />
      <Sql>{minutesSql(now)}</Sql>

      <h2>Processes</h2>
      <Processes
        of={processes.filter(({ mode }) => mode !== "agent")}
        metrics={{
          "lag, records": ["httpmon_writer_lag_records", count],
          "partitions": ["httpmon_writer_assigned_partitions", count],
          "rows": ["httpmon_writer_rows_inserted_total", count],
          "duplicates": ["httpmon_writer_duplicates_total", count],
          "alerter's lag": ["httpmon_alerter_lag_records", count],
        }}
      />

      <h2>Dead letters</h2>
      <Table
        narrow
        of={pipeline.deadLetters}
        none="None: every record was stored."
        columns={{
          "reason": ({ reason }) => reason,
          "#how many": (one) => count(one.count),
          "#newest": ({ lastAt }) => ago(lastAt),
          "#again": ({ reason }) =>
            mayReplay &&
            <Send to="/pipeline/replay" csrf={c.get("csrf")} says="Replay" fields={{ reason }} />,
        }}
      />
      {letters.length > 0 && (
        <Table
          of={letters}
          columns={{
            "set aside": ({ at }) => <At at={at} />,
            "reason": ({ reason }) => reason,
            "~detail": ({ detail, value }) => (
              <>
                {detail}
                <details>
                  <summary>bytes</summary>
                  <pre tabindex={0}>{asText(value)}</pre>
                </details>
              </>
            ),
            "topic, partition, offset": (one) => `${one.topic}, ${one.partition}, ${one.offset}`,
            "#size": (one) => bytes(one.bytes),
          }}
        />
      )}
      <Sql>{sql.deadLetters}</Sql>

      <h2>Notifications</h2>
      <Table
        narrow
        of={pipeline.notifications}
        none="None was owed yet: alerts.channels of the alerter's config names who is told."
        columns={{
          "channel": ({ channel }) => channel,
          "#pending": ({ pending }) => count(pending),
          "#overdue": ({ overdue }) => count(overdue),
          "#given up, 7 d": ({ failed }) => count(failed),
          "#sent, 7 d": ({ sent }) => count(sent),
          "#last sent": ({ lastSent }) => ago(lastSent),
        }}
      />
      {owed.length > 0 && <h3>Waiting or given up</h3>}
      {owed.length > 0 && <Notifications of={owed} now={now} withIncident />}
      <Sql>{sql.notifications}</Sql>

      <div class="beside">
        <section>
          <h2>What is read</h2>
          <Table
            narrow
            of={pipeline.partitions}
            none={
              <>
                Nothing yet: <code>httpmon writer -c …</code> reads the topic.
              </>
            }
            columns={{
              "reader of topic, partition": (one) =>
                `${one.consumer} of ${one.topic}, ${one.partition}`,
              "#next offset": ({ nextOffset }) => nextOffset,
              "#last record": ({ lastRecord }) => ago(lastRecord),
              "#moved": ({ updatedAt }) => ago(updatedAt),
            }}
          />
          <Sql>{sql.partitions}</Sql>
        </section>
        <section>
          <h2>Rollups still to be made</h2>
          <Table
            narrow
            of={pipeline.rollups.filter(({ count }) => count > 0)}
            none="None. Once there are results, the hour, the day and the month under way always are."
            columns={{
              "what": ({ what }) => what,
              "#how many": (one) => count(one.count),
              "#oldest": ({ oldest }) => oldest && <At at={oldest} />,
            }}
          />
          <Sql>{sql.rollups}</Sql>
        </section>
        <section>
          <h2>What is kept</h2>
          <Table
            narrow
            of={pipeline.retention}
            none="Not known before a writer has run for a minute."
            columns={{
              "what": ({ what }) => what.replaceAll("_", " "),
              "#days": ({ keepDays }) => keepDays === null ? "for ever" : count(keepDays),
              "#dropped before": ({ droppedBefore }) => droppedBefore ?? "nothing yet",
            }}
          />
        </section>
        <section>
          <h2>How much there is, about</h2>
          <Table
            narrow
            of={pipeline.tables}
            none="Nothing was counted yet: the database does so by itself."
            columns={{
              "table": ({ name }) => name,
              "#size": (one) => bytes(one.bytes),
              "#rows": ({ rows }) => count(rows),
              "#partitions": ({ partitions }) => partitions === 0 ? "–" : count(partitions),
            }}
          />
          <Sql>{`${sql.retention};\n\n${sql.tables}`}</Sql>
        </section>
      </div>
    </>,
    { title: "Pipeline" },
  );
}

function total<T>(of: readonly T[], value: (one: T) => number): number {
  return of.reduce((sum, one) => sum + value(one), 0);
}

interface Around {
  now: number;
  /** When the newest result was made. */
  newest: number;
  /** Agents. */
  silent: number;
  processes: readonly Process[];
}

/** What somebody should see to, the worst first. */
function whatIsAmiss(
  { deadLetters, notifications, rollups }: Pipeline,
  { now, newest, silent, processes }: Around,
): string[] {
  const dead = total(deadLetters, ({ count }) => count);
  const overdue = total(notifications, ({ overdue }) => overdue);
  const failed = total(notifications, ({ failed }) => failed);
  const mute = processes.filter(({ error }) => error !== null).length;
  const unready = processes.filter(({ error, value }) =>
    error === null && value("httpmon_ready") === 0
  );
  const isLate = rollups.some(({ what, oldest }) =>
    what === "marks of hours" && oldest !== null && now - oldest > ROLLUP_LATE_MS
  );
  return [
    now - newest > QUIET_MS && "No results are coming in",
    silent > 0 && plural(silent, "agent is silent", "agents are silent"),
    mute > 0 && plural(mute, "process does not answer", "processes do not answer"),
    unready.length > 0 && plural(unready.length, "process is not ready", "processes are not ready"),
    overdue > 0 && plural(overdue, "notification is overdue", "notifications are overdue"),
    failed > 0 && plural(failed, "notification was given up", "notifications were given up"),
    dead > 0 && plural(dead, "dead letter"),
    isLate && "Rollups are behind: is a writer or httpmon maintain running?",
  ].filter((one) => one !== false);
}

/** As text, where all of it is; else in hexadecimal. */
function asText(value: Uint8Array): string {
  const text = new TextDecoder().decode(value);
  // deno-lint-ignore no-control-regex
  if (!/[\ufffd\x00-\x08\x0e-\x1f]/.test(text.slice(0, -1))) return text;
  const pairs = [...value.slice(0, 512)].map((byte) => byte.toString(16).padStart(2, "0"));
  return pairs.join(" ").replace(/(.{48})/g, "$1\n");
}
