import type { Context } from "hono";
import type { Ops } from "../data/monitor/ops.ts";
import { deadLetters, notificationsOf, pipelineOf, pipelineSql } from "../data/monitor/pipeline.ts";
import type { Env, WebDeps } from "../env.ts";
import { type Column, Processes } from "./agents.tsx";
import { page } from "./layout.tsx";
import { Ago, At, Figures, Mark, Send, Sql, Table } from "./parts/basics.tsx";
import { amount, bytes, count, plural, short } from "./parts/format.ts";
import { Notifications } from "./parts/incident_rows.tsx";

const LETTERS = 25;
const NOTIFICATIONS = 25;
/** A topic that is read says something at least so often, where sites are checked each minute. */
const QUIET_MS = 3 * 60_000;

const COLUMNS: Column[] = [
  ["lag, records", "httpmon_writer_lag_records", count],
  ["partitions", "httpmon_writer_assigned_partitions", count],
  ["rows", "httpmon_writer_rows_inserted_total", count],
  ["duplicates", "httpmon_writer_duplicates_total", count],
  ["alerter's lag", "httpmon_alerter_lag_records", count],
];

/** Whether the monitor itself is well: from the topic to the tables, and to who is told. */
export async function pipelinePage(c: Context<Env>, deps: WebDeps, ops: Ops) {
  const { pool, sites, clock } = deps;
  const now = clock.now();
  const [pipeline, letters, owed, processes] = await Promise.all([
    pipelineOf(pool, now),
    deadLetters(pool, LETTERS),
    notificationsOf(pool, null, NOTIFICATIONS),
    ops.processes(),
  ]);
  const sql = pipelineSql(now);
  const { offsets, minutes, channels, marks, retention, tables } = pipeline;
  const perSecond = minutes.reduce((sum, { results }) => sum + results, 0) / 300;
  const behind = offsets.filter(({ consumer }) => consumer === "writer")
    .map(({ lastRecord }) => now - (lastRecord ?? 0));
  const dead = pipeline.letters.reduce((sum, { n }) => sum + n, 0);
  const isQuiet = now - sites.newest > QUIET_MS;
  const mayReplay = c.get("who").role === "operate";
  const ago = (at: number | null) => at === null ? "–" : <Ago at={at} now={now} />;
  return page(
    c,
    deps,
    { title: "Pipeline" },
    <>
      <h1>
        <Mark state={isQuiet || dead > 0 ? "degraded" : "up"} />{" "}
        {isQuiet
          ? "No results are coming in"
          : dead > 0
          ? plural(dead, "dead letter")
          : "Results are coming in"}
      </h1>
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
          ["hours to roll up", count(marks.reduce((sum, { n }) => sum + n, 0))],
        ]}
      />
      <Sql>{sql.minutes}</Sql>

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
        none="None was owed yet."
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

      <h2>What is read</h2>
      <Table
        narrow
        head={["reader of topic, partition", "#next offset", "#last record", "#moved"]}
        rows={offsets.map((one) => [
          `${one.consumer} of ${one.topic}, ${one.partition}`,
          one.nextOffset,
          ago(one.lastRecord),
          ago(one.movedAt),
        ])}
      />
      <Sql>{sql.offsets}</Sql>

      <h2>Rollups still to be made</h2>
      <Table
        narrow
        head={["what", "#how many", "#oldest"]}
        rows={marks.filter(({ n }) => n > 0)
          .map(({ what, n, oldest }) => [what, count(n), oldest && <At at={oldest} />])}
      />
      <p class="dim">The hour, the day and the month under way are always among them.</p>
      <Sql>{sql.marks}</Sql>

      <h2>What is kept</h2>
      <Table
        narrow
        head={["what", "#days", "#dropped before"]}
        rows={retention.map(({ what, keepDays, droppedBefore }) => [
          what.replaceAll("_", " "),
          keepDays === null ? "for ever" : count(keepDays),
          droppedBefore ?? "nothing yet",
        ])}
      />
      <h3>How much there is, about</h3>
      <Table
        narrow
        head={["table", "#size", "#rows", "#partitions"]}
        rows={tables.map((one) => [
          one.name,
          bytes(one.bytes),
          count(one.rows),
          one.partitions === 0 ? "–" : count(one.partitions),
        ])}
      />
      <Sql>{`${sql.retention};\n\n${sql.tables}`}</Sql>
    </>,
  );
}

/** As text, where all of it is; else in hexadecimal. */
function asText(value: Uint8Array): string {
  const text = new TextDecoder().decode(value);
  // deno-lint-ignore no-control-regex
  if (!/[\ufffd\x00-\x08\x0e-\x1f]/.test(text.slice(0, -1))) return text;
  const pairs = [...value.slice(0, 512)].map((byte) => byte.toString(16).padStart(2, "0"));
  return pairs.join(" ").replace(/(.{48})/g, "$1\n");
}
