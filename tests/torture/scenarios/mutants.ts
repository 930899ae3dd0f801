/** Scenario 21: the product with a known fault each, which the harness has to notice. */
import { delay } from "../load/load.ts";
import type { Variant } from "../product/variant.ts";
import { AGENT_KILL } from "./agent.ts";
import { ANSWERED_LATE, KILLED_UNDER_WAY, STALE_VOTES } from "./alerts.ts";
import { mustCome } from "./proof.ts";
import { killedAt, WRITER_KILL } from "./writer.ts";

const [BEFORE_CALL] = WRITER_KILL as [Variant];
const STORE = "db/store/store.ts";
const STORE_SQL = "db/schema/migrations/000004_store.sql";
const HISTORY_SQL = "db/schema/migrations/000005_history.sql";
const PUBLISH = "agent/publish.ts";
const SENDER = "alerts/outbox/sender.ts";
const SEND_FAILED = "    stats.sendFailures++;\n";

export const MUTANTS: Variant[] = [
  {
    ...BEFORE_CALL,
    agent: false,
    name: "commit before the transaction",
    mutant: {
      mustBreak: ["I5"],
      changes: [{
        file: "consume/group.ts",
        find: "    const next = await reader.take({\n",
        replace:
          "    await this.#commit(batch.partition, nextOffset, commitOffsetsIfNecessary);\n" +
          "    const next = await reader.take({\n",
      }],
    },
  },
  {
    name: "no dedupe",
    agent: false,
    mutant: {
      mustBreak: ["I2"],
      changes: [
        {
          file: "db/schema/migrations/000001_tables.sql",
          find: "PRIMARY KEY (site_id, agent_id, ts) WITH (fillfactor = 100)\n",
          replace: "CHECK (true)\n",
        },
      ],
    },
  },
  {
    name: "drop on error",
    agent: false,
    async fault(round) {
      const { postgresProxy } = round.lane;
      postgresProxy.cutRequests(5);
      await mustCome(round, "no batch was cut", () => postgresProxy.requestsCut >= 5);
    },
    mutant: {
      mustBreak: ["I1"],
      changes: [{
        file: STORE,
        find: "      if (error instanceof RefusedError || " +
          'classifyFailure(error) === "operational") throw error;\n',
        replace: "      if (error instanceof RefusedError) throw error;\n" +
          '      if (classifyFailure(error) === "operational") {\n' +
          "        const nothing = { ...part, ...encodeAll([], this.#known), letters: [] };\n" +
          "        return await this.#send(source, nothing, place);\n" +
          "      }\n",
      }],
    },
  },
  {
    ...killedAt("mutant", () => Promise.resolve()),
    agent: false,
    name: "offset outside the transaction",
    mutant: {
      mustBreak: ["I1"],
      changes: [
        {
          file: STORE,
          find: "      return await this.#send(source, part, place);\n",
          replace:
            "      const nothing = { ...part, ...encodeAll([], this.#known), letters: [] };\n" +
            "      const moved = await this.#send(source, nothing, place);\n" +
            '      if (moved.kind === "moved") return moved;\n' +
            '      this.#passFailpoint("mutant" as never);\n' +
            "      const there = { position: part.records.at(-1)!.offset + 1n, first: false };\n" +
            "      return await this.#send(source, part, there);\n",
        },
        {
          file: "runtime/failpoints.ts",
          find: '  "agent.after_send",\n] as const',
          replace: '  "agent.after_send",\n  "mutant",\n] as const',
        },
      ],
    },
  },
  {
    // Where some of a batch was there already.
    name: "a mark forgotten",
    agent: false,
    mutant: {
      mustBreak: ["I8"],
      changes: [
        {
          file: STORE_SQL,
          find: "  IF inserted > 0 AND date_trunc",
          replace: "  IF inserted = total AND inserted > 0 AND date_trunc",
        },
        {
          file: STORE_SQL,
          find: "  ELSIF inserted > 0 THEN\n",
          replace: "  ELSIF inserted = total AND inserted > 0 THEN\n",
        },
      ],
    },
  },
  {
    name: "a mark deleted outside the snapshot",
    agent: false,
    mutant: {
      mustBreak: ["I8"],
      changes: [
        { file: "db/history/roll_up.ts", find: "oneSnapshot: true", replace: "oneSnapshot: false" },
        {
          file: HISTORY_SQL,
          find: "    RETURNING hour, site_ids, since\n  ), pending AS (\n",
          replace: "    RETURNING hour, site_ids, since\n  ), back AS (\n" +
            "    INSERT INTO rollup_marks SELECT * FROM taken\n  ), pending AS (\n",
        },
        {
          file: HISTORY_SQL,
          find: "  UPDATE rollup_revision SET revision = revision + 1;\n",
          // For long enough that some come in meanwhile, whatever the machine.
          replace: "  PERFORM pg_sleep(0.5);\n  DELETE FROM rollup_marks;\n",
        },
      ],
    },
  },
  {
    ...AGENT_KILL[0]!,
    name: "outbox row deleted before the acknowledgement",
    mutant: {
      mustBreak: ["I1"],
      changes: [{
        file: PUBLISH,
        find: "        stats.sends++;\n",
        replace: "        stats.sends++;\n        outbox.remove(rows.map(({ id }) => id));\n",
      }],
    },
  },
  {
    name: "dead letters cut",
    agent: false,
    load: { poison: "dense" },
    mutant: {
      mustBreak: ["I6"],
      changes: [{
        file: "db/store/letters.ts",
        find: "    value: base64(value),\n",
        replace: "    value: base64(value?.subarray(0, 200) ?? null),\n",
      }],
    },
  },
  {
    name: "end without the broker",
    async fault(round) {
      const { kafkaProxy } = round.lane;
      kafkaProxy.set("cut");
      await mustCome(round, "the agent goes on", () => !round.agents[0]!.runs);
      kafkaProxy.set("pass");
    },
    mutant: {
      mustBreak: ["up"],
      changes: [{
        file: PUBLISH,
        find: SEND_FAILED,
        replace: `${SEND_FAILED}    (globalThis as any).process.exit(0);\n`,
      }],
    },
  },
  {
    name: "no checks without the broker",
    async fault(round) {
      const { kafkaProxy } = round.lane;
      kafkaProxy.set("cut");
      await round.prints(round.agents[0]!, "Cannot send to the broker");
      await delay(15_000);
      kafkaProxy.set("pass");
    },
    mutant: {
      mustBreak: ["I10"],
      changes: [
        {
          file: PUBLISH,
          find: SEND_FAILED,
          replace: `${SEND_FAILED}    (globalThis as any).sendsFail = true;\n`,
        },
        {
          file: PUBLISH,
          find: "    this.#failures = 0;\n",
          replace: "    this.#failures = 0;\n    (globalThis as any).sendsFail = false;\n",
        },
        {
          file: "agent/schedule.ts",
          find: "      if (tooLate) this.#putOff(entry, now);\n",
          replace: "      const off = tooLate || (globalThis as any).sendsFail;\n" +
            "      if (off) this.#putOff(entry, now);\n",
        },
      ],
    },
  },
  {
    // What opens is sent in the transaction that opens it, and again where that is undone.
    ...ANSWERED_LATE,
    name: "a notification sent before the commit",
    mutant: {
      mustBreak: ["I12"],
      changes: [
        {
          file: "alerts/run.ts",
          find: "      route,\n      spell: spells.database,\n    }),\n",
          replace:
            "      route,\n      spell: spells.database,\n      sending,\n    } as never),\n",
        },
        {
          file: "alerts/rounds.ts",
          find: "    return !isAll || passed < until;\n",
          replace: "    await sendOwed(client as never, (this.#deps as any).sending);\n" +
            "    return !isAll || passed < until;\n",
        },
        {
          file: "alerts/rounds.ts",
          find: 'import { passVotes } from "./topic/votes_table.ts";\n',
          replace: 'import { passVotes } from "./topic/votes_table.ts";\n' +
            'import { sendOwed } from "./outbox/sender.ts";\n',
        },
        {
          file: SENDER,
          find: "async function send(name: string, leased",
          replace: `export async function sendOwed(client: Pool, deps: SenderDeps) {
  for (const [name, channel] of Object.entries(deps.channels)) {
    const { rows } = await client.query(
      \`UPDATE notifications SET state = 'sent' WHERE channel = $1 AND state = 'pending'
         AND event = 'opened' AND attempts = 0 RETURNING key, incident_id::text AS id\`,
      [name],
    );
    if (rows.length === 0) continue;
    const [{ key }] = rows;
    const incidentIds = rows.map(({ id }) => id);
    const leased = { key, thread: key, event: "opened", includesOpening: false, incidentIds };
    const { message, nowMs } = await compose(client, leased as never, null);
    await kindOf(channel).send(message, channel, { fetch, nowMs, timeoutMs: TIMEOUT_MS });
  }
}

async function send(name: string, leased`,
        },
      ],
    },
  },
  {
    // What is leased counts as sent, unless who leased it says otherwise.
    ...KILLED_UNDER_WAY,
    name: "a notification forgotten on a restart",
    mutant: {
      mustBreak: ["I12"],
      changes: [
        {
          file: "alerts/outbox/claim.ts",
          find: "     SET key = l.key, attempts",
          replace: "     SET state = 'sent', key = l.key, attempts",
        },
        {
          file: "alerts/outbox/settle.ts",
          find: "       UPDATE notifications SET error = $3, leased_until = NULL,\n",
          replace:
            "       UPDATE notifications SET state = 'pending', error = $3, leased_until = NULL,\n",
        },
        {
          file: "alerts/outbox/settle.ts",
          find: "       WHERE key = $2 AND state = 'pending' AND attempts = $5\n",
          replace: "       WHERE key = $2 AND attempts = $5\n",
        },
      ],
    },
  },
  {
    ...STALE_VOTES,
    name: "a quorum over stale votes",
    mutant: {
      mustBreak: ["I11"],
      changes: [{
        file: "alerts/state/votes.ts",
        find: "      if (due >= at) return;\n",
        replace: "      return;\n",
      }],
    },
  },
];
