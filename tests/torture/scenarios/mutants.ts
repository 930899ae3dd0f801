/** Scenario 19: the product with a known fault each, which the harness has to notice. */
import { delay } from "../load.ts";
import type { Variant } from "../variant.ts";
import { AGENT_KILL } from "./agent.ts";
import { WRITER_KILL } from "./writer.ts";

const [MID_INSERT, BEFORE_COMMIT] = WRITER_KILL as [Variant, Variant];
const STORE = "db/postgres_store.ts";

export const MUTANTS: Variant[] = [
  {
    ...BEFORE_COMMIT,
    name: "commit before the transaction",
    mutant: {
      mustBreak: ["I5"],
      changes: [{
        file: "writer/group.ts",
        find: "      const next = await reader.take({\n",
        replace: "      await this.#commit(batch.partition, BigInt(batch.lastOffset()) + 1n);\n" +
          "      const next = await reader.take({\n",
      }],
    },
  },
  {
    name: "no dedupe",
    async fault() {},
    mutant: {
      mustBreak: ["I2"],
      changes: [
        {
          file: "db/result_rows.ts",
          find: "SELECT * FROM unnest(${ARRAYS}) ON CONFLICT DO NOTHING`",
          replace: "SELECT * FROM unnest(${ARRAYS})`",
        },
        {
          file: "db/migrations/000001_results.sql",
          find: "PRIMARY KEY (site_id, ts, agent_id)\n",
          replace: "CHECK (true)\n",
        },
      ],
    },
  },
  {
    name: "drop on error",
    async fault(round) {
      // Transactions take some milliseconds, so that one of many cuts falls into one.
      for (let times = 0; times < 60; times++) {
        round.lane.postgresProxy.drop();
        await delay(117);
      }
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
        file: "agent/publish.ts",
        find: "        stats.sends++;\n",
        replace: "        stats.sends++;\n        outbox.remove(rows.map(({ id }) => id));\n",
      }],
    },
  },
];
