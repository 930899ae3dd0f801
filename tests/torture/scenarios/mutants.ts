/** Scenario 19: the product with a known fault each, which the harness has to notice. */
import { delay } from "../load.ts";
import type { Variant } from "../variant.ts";
import { AGENT_KILL } from "./agent.ts";
import { mustCome } from "./proof.ts";
import { WRITER_KILL } from "./writer.ts";

const [MID_INSERT, BEFORE_COMMIT] = WRITER_KILL as [Variant, Variant];
const STORE = "db/store/postgres_store.ts";
const PUBLISH = "agent/publish.ts";
const SEND_FAILED = "    stats.sendFailures++;\n";

export const MUTANTS: Variant[] = [
  {
    ...BEFORE_COMMIT,
    agent: false,
    name: "commit before the transaction",
    mutant: {
      mustBreak: ["I5"],
      changes: [{
        file: "consume/group.ts",
        find: "    const next = await reader.take({\n",
        replace: "    await this.#commit(batch.partition, nextOffset);\n" +
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
          file: "db/store/result_rows.ts",
          find: "SELECT * FROM unnest(${ARRAYS}) ON CONFLICT DO NOTHING`",
          replace: "SELECT * FROM unnest(${ARRAYS})`",
        },
        {
          file: "db/schema/migrations/000001_results.sql",
          find: "PRIMARY KEY (site_id, ts, agent_id)\n",
          replace: "CHECK (true)\n",
        },
      ],
    },
  },
  {
    name: "drop on error",
    agent: false,
    async fault(round) {
      let hit = 0;
      const hits = () => (hit += round.lane.postgresProxy.drop({ inTransaction: true })) >= 5;
      await mustCome(round, "no transaction was open at a cut", hits, 30_000);
      round.note(`${hit} transactions cut`);
    },
    mutant: {
      mustBreak: ["I1"],
      changes: [{
        file: STORE,
        find: "        } else throw error;\n",
        replace: "        } else {\n" +
          "          const last = records.at(-1)!;\n" +
          "          await advanceOffset(this.#pool as never, source, last);\n" +
          '          return { kind: "stored", inserted: 0, duplicates: 0, deadLetters: 0,\n' +
          "            skipped: 0, nextOffset: last.offset + 1n };\n" +
          "        }\n",
      }],
    },
  },
  {
    ...MID_INSERT,
    agent: false,
    name: "offset outside the transaction",
    mutant: {
      mustBreak: ["I1"],
      changes: [{
        file: STORE,
        find: "      const tally = await this.#insert(",
        replace: "      await advanceOffset(client, source, last);\n" +
          '      await client.query("COMMIT; BEGIN");\n' +
          "      const tally = await this.#insert(",
      }],
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
        file: "db/store/dead_letters.ts",
        find: "        group.map(({ value }) => value),\n",
        replace: "        group.map(({ value }) => value?.subarray(0, 200) ?? null),\n",
      }],
    },
  },
  {
    name: "end without the broker",
    async fault(round) {
      const { kafkaProxy } = round.lane;
      kafkaProxy.set("cut");
      await mustCome(round, "the agent goes on", () => !round.agents[0]!.runs, 60_000);
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
      await round.prints(round.agents[0]!, "Cannot send to the broker", 60_000);
      await delay(5_000);
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
          find: "    if (this.#failures === 0) return;\n",
          replace: "    if (this.#failures === 0) return;\n" +
            "    (globalThis as any).sendsFail = false;\n",
        },
        {
          file: "agent/schedule.ts",
          find: "      const runs = !tooLate && !entry.running;\n",
          replace:
            "      const runs = !tooLate && !entry.running && !(globalThis as any).sendsFail;\n",
        },
      ],
    },
  },
];
