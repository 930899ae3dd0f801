import type { Context } from "hono";
import type { Ops } from "../data/ops.ts";
import {
  type DeadLetter,
  deadLetters,
  notificationsOf,
  pipelineOf,
  pipelineSql,
} from "../data/pipeline.ts";
import type { Env, WebDeps } from "../env.ts";
import { type Column, Processes } from "./agents.tsx";
import { page } from "./layout.tsx";
import { Ago, At, Mark, Sql } from "./parts/basics.tsx";
import { amount, bytes, count, plural, short } from "./parts/format.ts";
import { NotificationRows } from "./parts/notification_rows.tsx";

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
  const lettersInAll = pipeline.letters.reduce((sum, { n }) => sum + n, 0);
  const isQuiet = now - sites.newest > QUIET_MS;
  return page(
    c,
    deps,
    { title: "Pipeline" },
    (
      <>
        <h1>
          <Mark state={isQuiet || lettersInAll > 0 ? "degraded" : "up"} />{" "}
          {isQuiet
            ? "No results are coming in"
            : lettersInAll > 0
            ? plural(lettersInAll, "dead letter")
            : "Results are coming in"}
        </h1>
        <dl class="figures">
          <div>
            <dt>last result</dt>
            <dd>{sites.newest > 0 ? <Ago at={sites.newest} now={now} /> : "none"}</dd>
          </div>
          <div>
            <dt>results, last 5 min</dt>
            <dd>
              {amount(perSecond)} <small>/s</small>
            </dd>
          </div>
          <div>
            <dt>last record stored</dt>
            <dd>{behind.length === 0 ? "none" : `${short(Math.min(...behind))} ago`}</dd>
          </div>
          <div>
            <dt>hours to roll up</dt>
            <dd>{count(marks.reduce((sum, { n }) => sum + n, 0))}</dd>
          </div>
        </dl>
        <Sql>{sql.minutes}</Sql>

        <h2>Processes</h2>
        <Processes processes={processes.filter(({ mode }) => mode !== "agent")} columns={COLUMNS} />

        <h2>Dead letters</h2>
        {letters.length === 0 ? <p>None: every record was stored.</p> : (
          <>
            <Reasons
              reasons={pipeline.letters}
              now={now}
              csrf={c.get("csrf")}
              mayReplay={c.get("who").role === "operate"}
            />
            <Letters letters={letters} />
          </>
        )}
        <Sql>{sql.letters}</Sql>

        <h2>Notifications</h2>
        {channels.length === 0 ? <p>None was owed yet.</p> : (
          <Rows
            titles={["channel", "pending", "overdue", "given up, 7 d", "sent, 7 d", "last sent"]}
            rows={channels.map((one) => [
              one.channel,
              count(one.pending),
              count(one.overdue),
              count(one.failed),
              count(one.sent),
              one.lastSent === null ? "–" : <Ago at={one.lastSent} now={now} />,
            ])}
          />
        )}
        {owed.length > 0 && (
          <>
            <h3>Waiting or given up</h3>
            <NotificationRows notifications={owed} now={now} of />
          </>
        )}
        <Sql>{sql.channels}</Sql>

        <h2>What is read</h2>
        <Rows
          titles={["reader of topic, partition", "next offset", "last record", "moved"]}
          rows={offsets.map((one) => [
            `${one.consumer} of ${one.topic}, ${one.partition}`,
            one.nextOffset,
            one.lastRecord === null ? "–" : <Ago at={one.lastRecord} now={now} />,
            <Ago at={one.movedAt} now={now} />,
          ])}
        />
        <Sql>{sql.offsets}</Sql>

        <h2>Rollups still to be made</h2>
        <Rows
          titles={["what", "how many", "oldest"]}
          rows={marks.filter(({ n }) => n > 0).map(({ what, n, oldest }) => [
            what,
            count(n),
            oldest === null ? "–" : <At at={oldest} />,
          ])}
        />
        <p class="dim">The hour, the day and the month under way are always among them.</p>
        <Sql>{sql.marks}</Sql>

        <h2>What is kept</h2>
        <Rows
          titles={["what", "days", "dropped before"]}
          rows={retention.map(({ what, keepDays, droppedBefore }) => [
            what.replaceAll("_", " "),
            keepDays === null ? "for ever" : count(keepDays),
            droppedBefore ?? "nothing yet",
          ])}
        />
        <h3>How much there is, about</h3>
        <Rows
          titles={["table", "size", "rows", "partitions"]}
          rows={tables.map((one) => [
            one.name,
            bytes(one.bytes),
            count(one.rows),
            one.partitions === 0 ? "–" : count(one.partitions),
          ])}
        />
        <Sql>{`${sql.retention};\n\n${sql.tables}`}</Sql>
      </>
    ),
  );
}

/** A table of which all columns but the first are numbers. */
function Rows({ titles, rows }: { titles: readonly string[]; rows: readonly unknown[][] }) {
  if (rows.length === 0) return <p>None.</p>;
  return (
    <div class="wide">
      <table class="narrow">
        <thead>
          <tr>
            {titles.map((title, n) => <th scope="col" class={n > 0 ? "n" : undefined}>{title}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {row.map((cell, n) => <td class={n > 0 ? "n" : "text"}>{cell}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Reasons({ reasons, now, csrf, mayReplay }: {
  reasons: readonly { reason: string; n: number; newest: number }[];
  now: number;
  csrf: string;
  mayReplay: boolean;
}) {
  return (
    <Rows
      titles={["reason", "how many", "newest", "again"]}
      rows={reasons.map(({ reason, n, newest }) => [
        reason,
        count(n),
        <Ago at={newest} now={now} />,
        mayReplay && (
          <form method="post" action="/pipeline/replay" class="inline">
            <input type="hidden" name="csrf" value={csrf} />
            <input type="hidden" name="reason" value={reason} />
            <button type="submit">Replay</button>
          </form>
        ),
      ])}
    />
  );
}

function Letters({ letters }: { letters: readonly DeadLetter[] }) {
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">set aside</th>
            <th scope="col">reason</th>
            <th scope="col">detail</th>
            <th scope="col">topic, partition, offset</th>
            <th scope="col" class="n">size</th>
          </tr>
        </thead>
        <tbody>
          {letters.map((letter) => (
            <tr>
              <td>
                <At at={letter.at} />
              </td>
              <td>{letter.reason}</td>
              <td class="text">
                {letter.detail}
                <details>
                  <summary>bytes</summary>
                  <pre tabindex={0}>{asText(letter.value)}</pre>
                </details>
              </td>
              <td>{letter.topic}, {letter.partition}, {letter.offset}</td>
              <td class="n">{bytes(letter.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** As text, where all of it is; else in hexadecimal. */
function asText(value: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(value);
    // deno-lint-ignore no-control-regex
    if (!/[\x00-\x08\x0e-\x1f]/.test(text)) return text;
  } catch {
    // Cut within a character, or no text at all.
  }
  const pairs = [...value.slice(0, 512)].map((byte) => byte.toString(16).padStart(2, "0"));
  return pairs.join(" ").replace(/(.{48})/g, "$1\n");
}
