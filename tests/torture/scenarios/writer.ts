/** Faults of the writer itself: scenarios 1 to 4. */
import { delay } from "../load/load.ts";
import { between, oneOf } from "../load/random.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../product/variant.ts";
import { endOffsets } from "../seen/topic.ts";
import { countedBy, mustCome, OF_WRITER, placesOf, printedSince, storesMore } from "./proof.ts";

const HOLD_MS = 120_000;
const JOINED = "Joined the consumer group";

type Proof = (round: Round) => Promise<void>;

/** It stands before a batch that the topic has and the database has not. */
async function isBehindTopic(round: Round): Promise<void> {
  await mustCome(round, "all of the topic is stored", async () => {
    const places = await placesOf(round);
    return [...await endOffsets(round.brokers, round.topic)]
      .some(([partition, end]) => places.get(partition)!.stored < end);
  });
}

async function isAheadOfKafka(round: Round): Promise<void> {
  const places = [...(await placesOf(round)).values()];
  const ahead = places.some(({ stored, committed }) => stored > committed);
  round.mustHave(ahead, "Kafka knows all that is stored");
}

async function isKnownToKafka(round: Round): Promise<void> {
  const places = [...(await placesOf(round)).values()];
  const known = places.some(({ stored, committed }) => stored > 0n && stored === committed);
  round.mustHave(known, "Kafka knows nothing of what is stored");
}

/** The writer is held at the failpoint, and killed there. */
export function killedAt(failpoint: string, isThere: Proof): Variant {
  return {
    name: failpoint,
    writerEnv: (random) => ({
      HTTPMON_FAILPOINTS: `${failpoint}=${between(random, 3, 12)}:${HOLD_MS}`,
    }),
    async fault(round) {
      const [writer] = round.writers;
      await writer!.reachesFailpoint();
      await isThere(round);
      // Held for long enough to be looked at.
      await round.pause(1_000, 2_500);
      await writer!.kill();
      round.startWriter();
    },
  };
}

/** Killed while the database is at its batch, which the database then stores all the same. */
const KILLED_IN_CALL: Variant = {
  name: "in its call",
  async fault(round) {
    const client = await round.pool.connect();
    try {
      await mustCome(round, "no call of the writer waits", async () => {
        await client.query("BEGIN; SELECT FROM consumer_offsets FOR UPDATE");
        await delay(300);
        const { rows } = await client.query(
          `SELECT FROM pg_stat_activity WHERE ${OF_WRITER} AND query LIKE '%httpmon_store%'
             AND wait_event_type = 'Lock'`,
        );
        if (rows.length > 0) return true;
        await client.query("ROLLBACK");
        return false;
      });
      const { rows: [before] } = await client.query(
        "SELECT sum(next_offset) FROM consumer_offsets",
      );
      await round.writers[0]!.kill();
      await client.query("COMMIT");
      await mustCome(round, "the killed writer's batch is not stored", async () => {
        const { rows: [after] } = await client.query(
          "SELECT sum(next_offset) FROM consumer_offsets",
        );
        return Number(after.sum) > Number(before.sum);
      });
    } finally {
      client.release(true);
    }
    round.startWriter();
  },
};

/** 1: kill -9 at each failpoint, and in a call. */
export const WRITER_KILL: Variant[] = [
  killedAt("store.before_call", isBehindTopic),
  KILLED_IN_CALL,
  killedAt("store.after_commit", isAheadOfKafka),
  killedAt("consume.after_both", isKnownToKafka),
];

/** 2: SIGTERM under load, and another start. */
export const WRITER_TERM: Variant[] = [{
  name: "under load",
  async fault(round) {
    for (let times = 0; times < 2; times++) {
      round.mustHave(round.load.making, "there is no load at the SIGTERM");
      await round.stop(round.writers.at(-1)!);
      round.startWriter();
      await storesMore(round);
      await round.pause(1_000, 4_000);
    }
  },
}];

/**
 * Freezes the writer, which stands at its failpoint, for 45 s and until another one has stored more of
 * every partition, so that all that it holds is stale when it wakes.
 */
async function freezeWhileOthersGoOn(round: Round, isThere: Proof): Promise<void> {
  const [zombie] = round.writers;
  await zombie!.reachesFailpoint();
  zombie!.signal("SIGSTOP");
  await isThere(round);
  const frozen = await placesOf(round);
  const other = round.startWriter();
  await delay(45_000);
  await mustCome(
    round,
    "the group does not go on without the frozen writer",
    async () => {
      const now = await placesOf(round);
      return other.times(JOINED) > 0 &&
        [...frozen].every(([partition, { stored }]) => now.get(partition)!.stored > stored);
    },
  );
  zombie!.signal("SIGCONT");
}

function zombieAt(failpoint: string, random: Parameters<typeof between>[0]) {
  // Let go while it is frozen, so that it goes on the moment it is woken.
  return { HTTPMON_FAILPOINTS: `${failpoint}=${between(random, 3, 12)}:10000` };
}

/** 3: frozen before a call, or right after one, while the group moves on. */
export const ZOMBIE: Variant[] = [
  {
    // It wakes with a batch that others have stored, and sends it before it knows.
    name: "before its call",
    lasts: 60,
    writerEnv: (random) => zombieAt("store.before_call", random),
    async fault(round) {
      const zombie = round.writers[0]!;
      await freezeWhileOthersGoOn(round, isBehindTopic);
      await round.hasHealed();
      await round.stop(zombie);
      const skipped = countedBy(zombie, "skipped");
      round.mustHave(skipped > 0, "the zombie sent nothing that was stored already");
      round.note(`${skipped} records skipped by the zombie`);
    },
  },
  {
    // It wakes with a commit for Kafka that is old by now, and with batches that others have stored.
    name: "after COMMIT",
    lasts: 60,
    writerEnv: (random) => zombieAt("store.after_commit", random),
    async fault(round) {
      const zombie = round.writers.slice(0, 1);
      await freezeWhileOthersGoOn(round, isAheadOfKafka);
      const joinedAgain = printedSince(zombie, JOINED);
      await round.hasHealed();
      await mustCome(round, "the zombie does not join again", joinedAgain);
    },
  },
];

/** 4: a writer added or removed every 10 s. */
export const MEMBERS: Variant[] = [{
  name: "every 10 s",
  async fault(round) {
    const times = Math.max(3, Math.floor(round.seconds / 10) - 1);
    for (let i = 0; i < times; i++) {
      const next = delay(10_000);
      round.mustHave(round.load.making, "there is no load");
      const running = round.writers.filter(({ runs }) => runs);
      // Not at the end: so there is one of each in a short round, too.
      const mayAdd = running.length < 4 && i < times - 1;
      const adds = running.length === 1 || (mayAdd && round.random() < 0.5);
      if (adds) await round.prints(round.startWriter(), JOINED);
      else await round.stop(oneOf(round.random, running));
      await next;
    }
  },
}];
