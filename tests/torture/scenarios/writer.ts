/** Faults of the writer itself: scenarios 1 to 4. */
import { waitFor } from "../../../local/wait.ts";
import { delay } from "../load.ts";
import { between, oneOf } from "../random.ts";
import type { Variant } from "../variant.ts";

const HOLD_MS = 120_000;

function killedAt(failpoint: string): Variant {
  return {
    name: failpoint,
    writerEnv: (random) => ({
      HTTPMON_FAILPOINTS: `${failpoint}=${between(random, 3, 12)}:${HOLD_MS}`,
    }),
    async fault(round) {
      const [writer] = round.writers;
      await writer!.reachesFailpoint(60_000);
      // Held for long enough to be looked at.
      await round.pause(1_000, 2_500);
      await writer!.kill();
      round.startWriter();
    },
  };
}

/** 1: kill -9 at each failpoint. */
export const WRITER_KILL: Variant[] = [
  "store.mid_insert",
  "store.before_commit",
  "store.after_commit",
  "writer.after_both",
].map(killedAt);

/** 2: SIGTERM under load, and another start. */
export const WRITER_TERM: Variant[] = [{
  name: "under load",
  async fault(round) {
    for (let times = 0; times < 2; times++) {
      await round.stopWriter(round.writers.at(-1)!);
      round.startWriter();
      await round.pause(3_000, 6_000);
    }
  },
}];

/** 3: frozen in the middle of a transaction while the group moves on. */
export const ZOMBIE: Variant[] = [{
  name: "45 s",
  writerEnv: (random) => {
    const failpoint = oneOf(random, ["store.mid_insert", "store.before_commit"]);
    // Let go while it is frozen, so that it goes on the moment it is woken.
    return { HTTPMON_FAILPOINTS: `${failpoint}=${between(random, 3, 12)}:5000` };
  },
  async fault(round) {
    const [zombie] = round.writers;
    await zombie!.reachesFailpoint(60_000);
    zombie!.signal("SIGSTOP");
    round.startWriter();
    await delay(45_000);
    zombie!.signal("SIGCONT");
    // Its session was ended while it stood still, so it finds that out before anything else.
    const foundOut = () => zombie!.printed("idle-in-transaction timeout");
    await waitFor("the zombie to find out", foundOut, 20_000);
  },
}];

/** 4: a writer added or removed every 10 s. */
export const MEMBERS: Variant[] = [{
  name: "every 10 s",
  async fault(round) {
    const times = Math.max(2, Math.floor(round.seconds / 10) - 1);
    for (let i = 0; i < times; i++) {
      const running = round.writers.filter(({ runs }) => runs);
      if (running.length === 1 || (running.length < 4 && round.random() < 0.5)) round.startWriter();
      else await round.stopWriter(oneOf(round.random, running));
      await delay(10_000);
    }
  },
}];
