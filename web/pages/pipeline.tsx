import type { Context } from "hono";
import type { Ops, Process } from "../data/monitor/ops.ts";
import {
  deadLetters,
  notificationsOf,
  type Pipeline,
  pipelineOf,
  pipelineSql,
} from "../data/monitor/pipeline.ts";
import { minutesSql, type Recent } from "../data/monitor/recent.ts";
import type { Selections } from "../data/now/select.ts";
import { HOUR_MS } from "../data/past/history.ts";
import type { Env, WebDeps } from "../env.ts";
import { type Column, Processes } from "./agents.tsx";
import { page } from "./layout.tsx";
import { QUIET_MS } from "./overview.tsx";
import { Ago, At, Figures, Mark, Send, Sql, Table } from "./parts/basics.tsx";
import { amount, bytes, count, plural, short } from "./parts/format.ts";
import { Notifications } from "./parts/incident_rows.tsx";

const LETTERS = 25;
const NOTIFICATIONS = 25;
/** Writers roll an hour up within minutes of a mark. */
const ROLLUP_LATE_MS = 3 * HOUR_MS;

const COLUMNS: Column[] = [
  ["lag, records", "httpmon_writer_lag_records", count],
  ["partitions", "httpmon_writer_assigned_partitions", count],
  ["rows", "httpmon_writer_rows_inserted_total", count],
  ["duplicates", "httpmon_writer_duplicates_total", count],
  ["alerter's lag", "httpmon_alerter_lag_records", count],
];

/** Whether the monitor itself is well: from the topic to the tables, and to who is told. */
export async function pipelinePage(
  c: Context<Env>,
  deps: WebDeps,
  { ops, recent, selections }: { ops: Ops; recent: Recent; selections: Selections },
) {
  const { pool, sites, clock } = deps;
  const now = clock.now();
  const { agentsSilent: silent } = selections.summary();
  const [pipeline, minutes, letters, owed, processes] = await Promise.all([
    pipelineOf(pool, now),
    recent.minutes(),
    deadLetters(pool, LETTERS),
    notificationsOf(pool, null, NOTIFICATIONS),
    ops.processes(),
  ]);
  const amiss = whatIsAmiss(pipeline, { now, newest: sites.newest, silent, processes });
  const sql = pipelineSql(now);
  const { offsets, channels, marks, retention, tables } = pipeline;
  const perSecond = minutes.reduce((sum, { results }) => sum + results, 0) / 300;
  const behind = offsets.filter(({ consumer }) => consumer === "writer")
    .map(({ lastRecord }) => now - (lastRecord ?? 0));
  const mayReplay = c.get("who").role === "operate";
  const ago = (at: number | null) => at === null ? "–" : <Ago at={at} now={now} />;
  return page(
    c,
    deps,
    { title: "Pipeline" },
    <>
      <h1>
        <Mark state={amiss.length > 0 ? "degraded" : "up"} /> {amiss[0] ?? "The monitor is well"}
      </h1>
      {amiss.length > 1 && <p>Besides: {amiss.slice(1).join("; ")}.</p>}
      <Figures
        of={[
          ["last result", ago(sites.newest || null)],
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
          ["rollups to be made", count(marks.reduce((sum, { n }) => sum + n, 0))],
        ]}
      />
      <Sql>{minutesSql(now)}</Sql>

      <h2>Processes</h2>
      <Processes processes={processes.filter(({ mode }) => mode !== "agent")} columns={COLUMNS} />

      <h2>Dead letters</h2>
      <Table
        narrow
        head={["reason", "#how many", "#newest", "#again"]}
        none="None: every record was stored."
        rows={pipeline.letters.map(({ reason, n, newest }) => [
          reason,
          count(n),
          ago(newest),
          mayReplay &&
          <Send to="/pipeline/replay" csrf={c.get("csrf")} says="Replay" fields={{ reason }} />,
        ])}
      />
      {letters.length > 0 && (
        <Table
          head={["set aside", "reason", "~detail", "topic, partition, offset", "#size"]}
          rows={letters.map((letter) => [
            <At at={letter.at} />,
            letter.reason,
            <>
              {letter.detail}
              <details>
                <summary>bytes</summary>
                <pre tabindex={0}>{asText(letter.value)}</pre>
              </details>
            </>,
            `${letter.topic}, ${letter.partition}, ${letter.offset}`,
            bytes(letter.bytes),
          ])}
        />
      )}
      <Sql>{sql.letters}</Sql>

      <h2>Notifications</h2>
      <Table
        narrow
        head={["channel", "#pending", "#overdue", "#given up, 7 d", "#sent, 7 d", "#last sent"]}
        none="None was owed yet: alerts.channels of the alerter's config names who is told."
        rows={channels.map((one) => [
          one.channel,
          count(one.pending),
          count(one.overdue),
          count(one.failed),
          count(one.sent),
          ago(one.lastSent),
        ])}
      />
      {owed.length > 0 && <h3>Waiting or given up</h3>}
      {owed.length > 0 && <Notifications of={owed} now={now} withIncident />}
      <Sql>{sql.channels}</Sql>

      <div class="beside">
        <section>
          <h2>What is read</h2>
          <Table
            narrow
            head={["reader of topic, partition", "#next offset", "#last record", "#moved"]}
            none={
              <>
                Nothing yet: <code>httpmon writer -c …</code> reads the topic.
              </>
            }
            rows={offsets.map((one) => [
              `${one.consumer} of ${one.topic}, ${one.partition}`,
              one.nextOffset,
              ago(one.lastRecord),
              ago(one.movedAt),
            ])}
          />
          <Sql>{sql.offsets}</Sql>
        </section>
        <section>
          <h2>Rollups still to be made</h2>
          <Table
            narrow
            head={["what", "#how many", "#oldest"]}
            rows={marks.filter(({ n }) => n > 0)
              .map(({ what, n, oldest }) => [what, count(n), oldest && <At at={oldest} />])}
            none="None. Once there are results, the hour, the day and the month under way always are."
          />
          <Sql>{sql.marks}</Sql>
        </section>
        <section>
          <h2>What is kept</h2>
          <Table
            narrow
            head={["what", "#days", "#dropped before"]}
            none="Not known before a writer has run for a minute."
            rows={retention.map(({ what, keepDays, droppedBefore }) => [
              what.replaceAll("_", " "),
              keepDays === null ? "for ever" : count(keepDays),
              droppedBefore ?? "nothing yet",
            ])}
          />
        </section>
        <section>
          <h2>How much there is, about</h2>
          <Table
            narrow
            head={["table", "#size", "#rows", "#partitions"]}
            none="Nothing was counted yet: the database does so by itself."
            rows={tables.map((one) => [
              one.name,
              bytes(one.bytes),
              count(one.rows),
              one.partitions === 0 ? "–" : count(one.partitions),
            ])}
          />
          <Sql>{`${sql.retention};\n\n${sql.tables}`}</Sql>
        </section>
      </div>
    </>,
  );
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
  { letters, channels, marks }: Pipeline,
  { now, newest, silent, processes }: Around,
): string[] {
  const sum = (of: readonly number[]) => of.reduce((total, n) => total + n, 0);
  const dead = sum(letters.map(({ n }) => n));
  const overdue = sum(channels.map(({ overdue }) => overdue));
  const failed = sum(channels.map(({ failed }) => failed));
  const mute = processes.filter(({ error }) => error !== null).length;
  const unready = processes.filter(({ error, value }) =>
    error === null && value("httpmon_ready") === 0
  );
  const isLate = marks.some(({ what, oldest }) =>
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
