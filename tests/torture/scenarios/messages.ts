/** Faults in what is sent and where to: scenarios 12 to 14 and 16. */
import { recordToSend } from "../load/ledger.ts";
import { delay, Load, type LoadOptions } from "../load/load.ts";
import { LOAD_AGENT, resultOfSite } from "../load/messages.ts";
import { sendOddly } from "../load/odd_zstd.ts";
import { until } from "../patience.ts";
import { unreadableKey } from "../load/poison.ts";
import { between, seededRandom } from "../load/random.ts";
import type { Round } from "../round.ts";
import { asAdmin, endOffsets, makeTopic, PARTITIONS as TOPIC_PARTITIONS } from "../seen/topic.ts";
import type { Variant } from "../product/variant.ts";
import { mustCome } from "./proof.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const REASONS = [
  ...["null_value", "empty_value", "too_large", "bad_utf8", "bad_json", "not_an_object"],
  ...["missing_field", "wrong_type", "bad_value", "nul_character", "key_taken"],
];

/** 12: poison of every kind among good messages. */
export const POISON: Variant[] = [
  {
    name: "every kind",
    load: { poison: "dense" },
    fault: (round) => setAside(round, REASONS),
  },
  {
    name: "batches that nobody can read",
    async fault(round) {
      for (let n = 1; n <= 8; n++) {
        await sendUnreadable(round, n);
        await round.pause(200, 1_000);
      }
      await setAside(round, ["bad_batch"]);
    },
  },
  {
    name: "refused by the database",
    load: { refused: true },
    async setUp({ pool }) {
      await pool.query(
        "ALTER TABLE check_results ADD CONSTRAINT of_torture CHECK (response_code <> 599)",
      );
    },
    fault: (round) => setAside(round, ["store_failed"]),
  },
];

async function setAside(round: Round, reasons: readonly string[]): Promise<void> {
  const sql = "SELECT DISTINCT reason FROM dead_letters";
  await mustCome(round, `there are not dead letters of ${reasons.join(", ")}`, async () => {
    const found = (await round.pool.query(sql)).rows.map(({ reason }) => reason);
    return reasons.every((reason) => found.includes(reason));
  });
}

/** Sends results that would be fine in a batch that the product cannot unpack, all to one partition. */
async function sendUnreadable(round: Round, n: number): Promise<void> {
  const { lane, topic, random, ledger } = round;
  const records = Array.from({ length: between(random, 1, 5) }, (_, i) => {
    const sent = recordToSend(resultOfSite(random, i + 1, (Date.now() - n) * 1000 + i));
    return { ...sent, key: unreadableKey(n), poison: true };
  });
  const batch = await ledger.sending(records);
  await sendOddly([lane.kafkaProxy.address], topic, records);
  await ledger.acknowledged([batch]);
}

/** 13: results of a day that has no partition; an old partition dropped under load. */
export const PARTITIONS: Variant[] = [
  {
    // The writer believes that it has made the day's partition.
    name: "missing",
    // A row is away for a moment, and its place must not be taken then.
    load: { shiftMs: -40 * DAY_MS, clashes: false },
    fault: (round) => dropAndPutBack(round, dayOf(-40)),
  },
  {
    // Results of two days in one batch, and one of the days goes.
    name: "dropped",
    fault: (round) =>
      besideOldLoad(round, { shiftMs: -20 * DAY_MS }, async () => {
        const day = dayOf(-20);
        const some = async () => await round.count(rowsOf(day)) > 500;
        await mustCome(round, "the old day has no rows", some);
        await round.pause(500, 1_500);
        await dropAndPutBack(round, day);
      }),
  },
  {
    // Late ones among those of today, of more days than one transaction takes.
    name: "many days",
    load: { days: 70 },
    async fault(round) {
      const days = () => round.count("SELECT count(DISTINCT ts::date) FROM mon_daily");
      await mustCome(
        round,
        "there are not results of 70 days",
        async () => await days() >= 70,
      );
    },
  },
];

/** Results of another time beside the load's, for as long as `work` takes. */
export async function besideOldLoad(
  round: Round,
  options: Partial<LoadOptions>,
  work: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const old = new Load({
    brokers: [round.lane.kafkaProxy.address],
    topic: round.topic,
    ledger: round.ledger,
    random: seededRandom(between(round.random, 0, 2 ** 31)),
    clashes: false,
    ...options,
  });
  const loading = old.run(0, over.signal);
  try {
    await work();
  } catch (error) {
    old.stop();
    throw error;
  } finally {
    over.abort();
    await loading;
  }
}

/** The day, UTC, so many days from now, "YYYY-MM-DD". */
export function dayOf(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
}

/** Counts the load's rows of the day; the real agent's are of another. */
export function rowsOf(day: string): string {
  return `SELECT count(*) FROM mon_daily
    WHERE agent = '${LOAD_AGENT}' AND ts >= date '${day}' AND ts < date '${day}' + 1`;
}

/** Drops a day's partition under load; puts its rows back when it is made anew and fills. */
async function dropAndPutBack(round: Round, day: string): Promise<void> {
  const name = `check_results_p${day.replaceAll("-", "")}`;
  const client = await round.pool.connect();
  try {
    await client.query(
      `BEGIN; LOCK TABLE check_results IN ACCESS EXCLUSIVE MODE;
       CREATE TABLE kept AS SELECT * FROM ${name};
       SELECT httpmon_recompute('${day}Z', timestamptz '${day}Z' + interval '1 day');
       DROP TABLE ${name}; COMMIT`,
    );
  } finally {
    client.release(true);
  }
  const kept = await round.count("SELECT count(*) FROM kept");
  round.mustHave(kept > 0, "the partition was empty");
  const filled = async () => await round.count(rowsOf(day)) > 0;
  await mustCome(round, "the partition is not made anew", filled);
  await round.pool.query(
    `BEGIN; INSERT INTO check_results SELECT * FROM kept ON CONFLICT DO NOTHING;
     SELECT httpmon_recompute('${day}Z', timestamptz '${day}Z' + interval '1 day'); COMMIT`,
  );
  round.note(`${kept} rows away for a while`);
}

/** 14: the agent's clock an hour off. */
export const CLOCK: Variant[] =
  ([["an hour ahead", HOUR_MS], ["an hour behind", -HOUR_MS]] as const)
    .map(([name, shiftMs]): Variant => ({
      name,
      agentAheadMs: shiftMs,
      load: { shiftMs },
      async fault(round) {
        const nearby = async () =>
          await round.count(
            `SELECT count(*) FROM mon_daily WHERE agent <> '${LOAD_AGENT}'
             AND abs(extract(epoch FROM ts - now() AT TIME ZONE 'UTC') - ${shiftMs / 1000}) < 600`,
          ) > 0;
        await mustCome(round, "no check of the agent is an hour off", nearby);
      },
    }));

/** 16: the topic deleted and made anew, when all of it was stored. */
export const TOPIC_ANEW: Variant[] = ([
  ["empty", whileAway],
  ["longer than before", (round) => whileAway(round, { longer: true })],
  ["under a running writer", whileRunning],
] as const satisfies [string, (round: Round) => Promise<void>][])
  // What an agent had sent would die with the topic.
  .map(([name, drive]): Variant => ({ name, agent: false, topicAnew: true, drive }));

const MADE_ANEW = "the topic was made anew";

async function whileAway(round: Round, { longer = false } = {}): Promise<void> {
  await round.load.run(round.seconds * 500);
  await storedAll(round);
  await round.stop(round.writers[0]!);
  await makeAnew(round);
  if (longer) await round.load.run(round.seconds * 1_500);
  const writer = round.startWriter();
  // Without a record in it, too.
  if (!longer) await round.prints(writer, MADE_ANEW);
  await Promise.all([round.load.run(round.seconds * 500), round.hasHealed()]);
  round.mustHavePrinted([writer], MADE_ANEW);
}

/** The topic has what it had before within a second or two, so that the writer's place is in it. */
async function whileRunning(round: Round): Promise<void> {
  await round.load.run(1_000);
  await storedAll(round);
  await makeAnew(round);
  await Promise.all([round.load.run(round.seconds * 500), round.hasHealed()]);
  round.mustHavePrinted(round.writers, MADE_ANEW);
}

async function storedAll(round: Round): Promise<void> {
  if (await round.stored() === null) throw new Error("The first half was not stored");
}

async function makeAnew(round: Round): Promise<void> {
  const { brokers, topic } = round;
  await asAdmin(brokers, (admin) => admin.deleteTopics({ topics: [topic] }));
  await until("the topic to be made anew", async () => {
    await delay(300);
    return await makeTopic(brokers, topic, TOPIC_PARTITIONS).then(() => true, () => false);
  });
  // A partition has no leader for a moment yet.
  let ends: bigint[] = [];
  const told = async () => (ends = [...(await endOffsets(brokers, topic)).values()]).length > 0;
  await mustCome(round, "the topic does not tell its ends", told);
  round.mustHave(ends.every((end) => end === 0n), "the topic is not a new one");
}
