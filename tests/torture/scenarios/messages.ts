/** Faults in what is sent and where to: scenarios 12 to 14 and 16. */
import { waitFor } from "../../../local/wait.ts";
import { fileURLToPath } from "node:url";
import { delay, LOAD_AGENT } from "../load.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../variant.ts";
import { asAdmin, makeTopic } from "../topic.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** 12: poison of every kind among good messages. */
export const POISON: Variant[] = [{ name: "every kind", load: { poison: true } }];

/** 13: results of a day that has no partition; an old partition dropped under load. */
export const PARTITIONS: Variant[] = [
  {
    name: "missing",
    load: { shiftMs: -40 * DAY_MS },
    async fault(round) {
      // The writer believes that it has made the day's partition.
      await dropKeepingRows(round);
      const back = "INSERT INTO check_results SELECT * FROM kept ON CONFLICT DO NOTHING";
      await waitFor("the partition to be made anew", async () => {
        return await round.count("SELECT count(*) FROM check_results") > 0;
      }, 60_000);
      await round.pool.query(back);
    },
  },
  {
    name: "dropped",
    async fault(round) {
      const day = new Date(Date.now() - 20 * DAY_MS).toISOString().slice(0, 10);
      await round.pool.query("SELECT httpmon_ensure_partitions($1::date[])", [[day]]);
      await round.pool.query(
        `INSERT INTO check_results (ts, site_id, agent_id, verdict)
         SELECT $1::timestamptz + n * interval '1 s', 1, 1, 0 FROM generate_series(1, 1000) AS n`,
        [`${day} 00:00:00+00`],
      );
      await round.pause(500, 1_500);
      await round.pool.query(`DROP TABLE check_results_p${day.replaceAll("-", "")}`);
    },
  },
];

/** Drops the partition of the load's results, which stay in the table "kept". */
async function dropKeepingRows(round: Round): Promise<void> {
  const { rows: [row] } = await round.pool.query(
    `SELECT r.tableoid::regclass::text AS name FROM check_results r
     JOIN agents a ON a.id = agent_id WHERE uuid = $1 LIMIT 1`,
    [LOAD_AGENT],
  );
  const client = await round.pool.connect();
  try {
    await client.query(
      `BEGIN; LOCK TABLE check_results IN ACCESS EXCLUSIVE MODE;
       CREATE TABLE kept AS SELECT * FROM ${row.name}; DROP TABLE ${row.name}; COMMIT`,
    );
  } finally {
    client.release(true);
  }
}

/** 14: the agent's clock an hour off. */
export const CLOCK: Variant[] =
  ([["an hour ahead", HOUR_MS], ["an hour behind", -HOUR_MS]] as const)
    .map(([name, shiftMs]): Variant => ({
      name,
      agent: true,
      agentOptions: {
        shiftMs,
        env: { TORTURE_CLOCK_SHIFT_MS: String(shiftMs) },
        denoArgs: ["--preload", fileURLToPath(new URL("../shifted_clock.ts", import.meta.url))],
      },
      load: { shiftMs },
    }));

/** 16: the topic deleted and made anew, when all of it was stored. */
export const TOPIC_ANEW: Variant[] = [
  {
    name: "empty",
    placesHold: false,
    drive: (round) => madeAnew(round, { away: true }),
  },
  {
    name: "longer than before",
    placesHold: false,
    drive: (round) => madeAnew(round, { away: true, longer: true }),
  },
  {
    // It has what it had before within a second or two, so that the writer's place is in it.
    name: "under a running writer",
    placesHold: false,
    drive: (round) => madeAnew(round, { away: false }),
  },
];

async function madeAnew(
  round: Round,
  { away, longer = false }: { away: boolean; longer?: boolean },
): Promise<void> {
  await round.load.run(away ? round.seconds * 500 : 1_000);
  if (!await round.drained(60_000)) throw new Error("The first half was not stored");
  if (away) await round.stopWriter(round.writers[0]!);
  await asAdmin(round.brokers, (admin) => admin.deleteTopics({ topics: [round.topic] }));
  await waitFor("the topic to be made anew", async () => {
    await delay(300);
    return await makeTopic(round.brokers, round.topic, 6).then(() => true, () => false);
  }, 30_000);
  if (longer) await round.load.run(round.seconds * 1_500);
  if (away) round.startWriter();
  await round.load.run(round.seconds * 500);
}
