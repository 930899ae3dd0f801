/** Faults of the writer itself: scenarios 1 to 4. */
import { delay } from "../load.ts";
import { between, oneOf } from "../random.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../variant.ts";
import {
  mustCome,
  openTransactions,
  placesOf,
  STORE_FAILED,
  storesMore,
  timesPrinted,
} from "./proof.ts";

const HOLD_MS = 120_000;
const JOINED = "Joined the consumer group";

type Proof = (round: Round) => Promise<void>;

async function hasOpenTransaction(round: Round): Promise<void> {
  round.mustHave((await openTransactions(round)).length > 0, "the writer has no open transaction");
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

function killedAt([failpoint, isThere]: readonly [string, Proof]): Variant {
  return {
    name: failpoint,
    writerEnv: (random) => ({
      HTTPMON_FAILPOINTS: `${failpoint}=${between(random, 3, 12)}:${HOLD_MS}`,
    }),
    async fault(round) {
      const [writer] = round.writers;
      await writer!.reachesFailpoint(60_000);
      await isThere(round);
      // Held for long enough to be looked at.
      await round.pause(1_000, 2_500);
      await writer!.kill();
      round.startWriter();
    },
  };
}

/** 1: kill -9 at each failpoint. */
export const WRITER_KILL: Variant[] = ([
  ["store.mid_insert", hasOpenTransaction],
  ["store.before_commit", hasOpenTransaction],
  ["store.after_commit", isAheadOfKafka],
  ["consume.after_both", isKnownToKafka],
] as const).map(killedAt);

/** 2: SIGTERM under load, and another start. */
export const WRITER_TERM: Variant[] = [{
  name: "under load",
  async fault(round) {
    for (let times = 0; times < 2; times++) {
      round.mustHave(round.load.making, "there is no load at the SIGTERM");
      await round.stopWriter(round.writers.at(-1)!);
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
  await zombie!.reachesFailpoint(60_000);
  zombie!.signal("SIGSTOP");
  await isThere(round);
  const sessions = await openTransactions(round);
  const frozen = await placesOf(round);
  const other = round.startWriter();
  await delay(45_000);
  await mustCome(
    round,
    "the group does not go on without the frozen writer",
    async () => {
      const now = await placesOf(round);
      return other.printed(JOINED) &&
        [...frozen].every(([partition, { stored }]) => now.get(partition)!.stored > stored);
    },
    30_000,
  );
  const left = (await openTransactions(round)).filter((pid) => sessions.includes(pid));
  round.mustHave(left.length === 0, "the frozen writer's transaction is still open");
  zombie!.signal("SIGCONT");
}

function zombieAt(failpoint: string, random: Parameters<typeof between>[0]) {
  // Let go while it is frozen, so that it goes on the moment it is woken.
  return { HTTPMON_FAILPOINTS: `${failpoint}=${between(random, 3, 12)}:10000` };
}

/** 3: frozen in the middle of a transaction, or right after one, while the group moves on. */
export const ZOMBIE: Variant[] = [
  {
    name: "45 s",
    writerEnv: (random) =>
      zombieAt(oneOf(random, ["store.mid_insert", "store.before_commit"]), random),
    async fault(round) {
      const [zombie] = round.writers;
      await freezeWhileOthersGoOn(round, hasOpenTransaction);
      // Its session was ended while it stood still, so it finds that out before anything else.
      const foundOut = () => STORE_FAILED.some((text) => zombie!.printed(text));
      await mustCome(round, "the zombie does not find out", foundOut);
    },
  },
  {
    // It wakes with a commit for Kafka that is old by now, and with batches that others have stored.
    name: "after COMMIT",
    writerEnv: (random) => zombieAt("store.after_commit", random),
    async fault(round) {
      const zombie = round.writers.slice(0, 1);
      await freezeWhileOthersGoOn(round, isAheadOfKafka);
      const before = await timesPrinted(round, zombie, JOINED);
      await round.hasHealed();
      await mustCome(
        round,
        "the zombie does not join again",
        async () => await timesPrinted(round, zombie, JOINED) > before,
        60_000,
      );
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
      if (adds) await round.prints(round.startWriter(), JOINED, 60_000);
      else await round.stopWriter(oneOf(round.random, running));
      await next;
    }
  },
}];
