/** Faults of alerters, and of what they need, while 50 sites are down: scenario 22. */
import type { Answer } from "../../alerts/receiver.ts";
import { delay } from "../load/load.ts";
import { LOAD_AGENT, timestamp } from "../load/messages.ts";
import { oneOf } from "../load/random.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../product/variant.ts";
import { besideOldLoad } from "./messages.ts";
import { mustCome } from "./proof.ts";

const JOINED = "Joined the consumer group";
const OUT = 50;
const HOUR_MS = 3_600_000;
/** Longer than an alerter's lease, its rounds and its place in the group last. */
const FROZEN_MS = 45_000;
/** Longer than a result is fresh. */
const KAFKA_AWAY_MS = 40_000;

export async function goDown({ alerting, sites }: Round): Promise<void> {
  await alerting!.goDown(sites!.urls.slice(0, OUT));
}

/** Waits until all that there is to tell is told; then the rest of the sites comes up, for the round's end. */
export async function comeUp(round: Round): Promise<void> {
  await round.hasTold();
  await round.alerting!.comeUp();
}

/** kill -9, and as many start. */
async function killAlerters(round: Round, which: "one" | "all"): Promise<void> {
  const running = round.alerters.filter(({ runs }) => runs);
  const killed = which === "all" ? running : [oneOf(round.random, running)];
  await Promise.all(killed.map((alerter) => alerter.kill()));
  for (const _ of killed) round.startAlerter();
}

/** The receiver answers so, one after the other, and takes what comes then. */
function answer({ alerting }: Round, ...answers: Answer[]): { isDone: () => boolean } {
  alerting!.answer = () => answers.shift() ?? "take";
  return { isDone: () => answers.length === 0 };
}

async function isUnderWay(round: Round): Promise<void> {
  await mustCome(round, "no message is under way", () => round.alerting!.isUnderWay);
}

/** What was being sent is leased to an alerter that is dead. */
export const KILLED_UNDER_WAY: Variant = {
  name: "killed with a message under way",
  lasts: 60,
  alerters: [0, 0],
  async fault(round) {
    answer(round, "hang", "hang");
    await goDown(round);
    await isUnderWay(round);
    await killAlerters(round, "all");
    answer(round);
    await comeUp(round);
  },
};

/** The receiver takes what it is told, and the alerter never knows. */
export const ANSWERED_LATE: Variant = {
  name: "a receiver that fails and hangs",
  lasts: 80,
  alerters: [0, 0],
  async fault(round) {
    const opening = answer(round, "late", "fail", "late", "hang");
    await goDown(round);
    await mustCome(round, "nobody tries again", opening.isDone);
    await round.alerting!.comeUp(OUT / 2);
    await round.hasTold();
    const end = answer(round, "late", "fail");
    await round.alerting!.comeUp();
    await mustCome(round, "nobody tries again", end.isDone);
  },
};

/** Another agent has seen the sites up, and does not look any more. */
export const STALE_VOTES: Variant = {
  name: "an agent that stopped before",
  lasts: 40,
  alerters: [0, 0],
  async fault(round) {
    const { sites, pool } = round;
    let n = 0;
    const resultAt = (at: number) => ({
      ts: timestamp(at),
      agentUUID: LOAD_AGENT,
      url: sites!.urls[n++ % sites!.urls.length]!,
      regexResult: null,
      responseCode: 200,
      responseTime: 1,
      errorMessage: null,
      verdict: "up",
      frequency: 1,
    });
    await besideOldLoad(
      round,
      { resultAt },
      () =>
        mustCome(round, "the other agent has no vote", async () => {
          const { rows } = await pool.query(
            `SELECT FROM site_votes JOIN sites AS s ON s.id = site_id
           WHERE url = ANY ($1) AND votes #>> ARRAY['agents', $2, 'view', 'vote'] = 'up'`,
            [sites!.urls, LOAD_AGENT],
          );
          return rows.length === sites!.urls.length;
        }),
    );
    await goDown(round);
    await comeUp(round);
  },
};

/** 22: alerters, receivers, and what is between. */
export const ALERTS: Variant[] = [
  KILLED_UNDER_WAY,
  {
    name: "killed every few seconds",
    lasts: 60,
    alerters: [0, 0, 0],
    async fault(round) {
      const { alerting, random } = round;
      alerting!.answer = () => oneOf(random, ["take", "late", "fail"]);
      await goDown(round);
      let underWay = 0;
      for (let times = 0; times < 8; times++) {
        await round.pause(2_000, 6_000);
        if (alerting!.isUnderWay) underWay++;
        await killAlerters(round, "one");
        if (times === 3) await alerting!.comeUp(OUT / 2);
      }
      answer(round);
      round.mustHavePrinted(round.alerters.filter(({ killed }) => killed), JOINED);
      round.note(`${underWay} of 8 kills with a message under way`);
      await comeUp(round);
    },
  },
  ANSWERED_LATE,
  {
    // They wake with messages and rounds that another one has taken over.
    name: "frozen for 45 s with a message under way",
    lasts: 80,
    alerters: [0, 0],
    async fault(round) {
      const frozen = [...round.alerters];
      answer(round, "late", "hang");
      await goDown(round);
      await isUnderWay(round);
      for (const alerter of frozen) alerter.signal("SIGSTOP");
      answer(round);
      round.startAlerter();
      await delay(FROZEN_MS);
      await mustCome(
        round,
        "nobody goes on without the frozen alerters",
        () => round.alerting!.allTold(),
      );
      await round.alerting!.comeUp(OUT / 2);
      for (const alerter of frozen) alerter.signal("SIGCONT");
      await comeUp(round);
    },
  },
  {
    name: "PostgreSQL away with a message under way",
    lasts: 60,
    alerters: [0, 0],
    async fault(round) {
      const { alerting, lane: { postgres } } = round;
      answer(round, "late");
      await goDown(round);
      await isUnderWay(round);
      await postgres.stop("immediate");
      await alerting!.comeUp(OUT / 2);
      await round.pause(5_000, 10_000);
      await postgres.start();
      round.mustHavePrinted(round.alerters, "Sending notifications failed");
      await comeUp(round);
    },
  },
  {
    name: "Kafka away for 40 s",
    lasts: 80,
    alerters: [0, 0],
    async fault(round) {
      const { lane: { kafkaProxy }, load } = round;
      const { failures } = load;
      await goDown(round);
      kafkaProxy.set("cut");
      await delay(KAFKA_AWAY_MS);
      round.mustHave(load.failures > failures, "every send of the load went through");
      kafkaProxy.set("pass");
      await comeUp(round);
    },
  },
  ...([["an hour ahead", HOUR_MS], ["an hour behind", -HOUR_MS]] as const)
    .map(([name, aheadMs]): Variant => ({
      name: `clock ${name}`,
      lasts: 20,
      alerters: [aheadMs, aheadMs],
      async fault(round) {
        await goDown(round);
        await comeUp(round);
      },
    })),
  STALE_VOTES,
];
