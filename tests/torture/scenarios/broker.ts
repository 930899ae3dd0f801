/** Faults of the broker and of the way to it: scenarios 5 to 7. */
import { delay } from "../load/load.ts";
import type { ProxyMode } from "../proxy/proxy.ts";
import { between } from "../load/random.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../product/variant.ts";
import { mustCome, printedSince } from "./proof.ts";

const AGENT_FAILED = "Cannot send to the broker";
const JOINED = "Joined the consumer group";
/** Over the 45 s in which an agent gives up a send, and the 15 s in which the broker gives up a writer. */
const LONG_MS = 55_000;

/** 5: stopped in order or killed, and away for a while. */
export const BROKER_STOP: Variant[] = (["SIGTERM", "SIGKILL"] as const).flatMap((signal) =>
  [5, 40, 120].map((seconds): Variant => ({
    name: `${signal} ${seconds} s`,
    lasts: seconds,
    async fault(round) {
      const { lane: { kafka }, load } = round;
      const { failures } = load;
      const { pid } = kafka;
      if (signal === "SIGTERM") await kafka.stop();
      else round.mustHave(kafka.kill("SIGKILL"), "the broker was not running");
      await delay(seconds * 1000);
      round.mustHave(load.failures > failures, "every send of the load went through");
      round.mustHavePrinted(round.agents, AGENT_FAILED);
      await kafka.start();
      round.mustHave(kafka.pid !== pid, "the broker was not started again");
    },
  }))
);

/** 6: frozen for longer than a session lasts. */
export const BROKER_FREEZE: Variant[] = [{
  name: "35 s",
  lasts: 35,
  async fault(round) {
    const { lane: { kafka }, load } = round;
    const { failures } = load;
    round.mustHave(kafka.kill("SIGSTOP"), "the broker was not running");
    await delay(35_000);
    round.mustHave(kafka.kill("SIGCONT"), "the broker ended while it was frozen");
    round.mustHave(load.failures > failures, "every send of the load went through");
  },
}];

/**
 * Puts the way to the broker in `mode` for `ms`, when the load's sends go through.
 *
 * @param hits Counts what the mode has hit
 * @param atEnd Called while it is still on
 */
async function disturb(
  round: Round,
  mode: ProxyMode,
  ms: number,
  hits: () => number,
  atEnd = () => {},
): Promise<void> {
  const { lane: { kafkaProxy }, load } = round;
  const { acknowledged } = load;
  await mustCome(round, "the load sends nothing", () => load.acknowledged > acknowledged);
  const before = hits();
  kafkaProxy.set(mode);
  await delay(ms);
  await mustCome(round, `nothing was on its way in ${mode}`, () => hits() > before);
  atEnd();
  kafkaProxy.set("pass");
}

/** 7: the network between everybody and the broker. */
export const BROKER_NETWORK: Variant[] = [
  {
    name: "cut",
    async fault(round) {
      const { kafkaProxy } = round.lane;
      const { failures } = round.load;
      for (let times = 0; times < 3; times++) {
        const ms = between(round.random, 2_000, 8_000);
        await disturb(round, "cut", ms, () => kafkaProxy.connectionsCut);
        await round.pause(2_000, 4_000);
      }
      round.mustHave(round.load.failures > failures, "every send of the load went through");
      round.mustHavePrinted(round.agents, AGENT_FAILED);
    },
  },
  {
    name: "black hole",
    lasts: 80,
    async fault(round) {
      const { kafkaProxy } = round.lane;
      const joinedAgain = printedSince(round.writers, JOINED);
      // The first for so long that the agent gives up a send by itself: nothing else ends one here.
      await disturb(round, "black_hole", LONG_MS, () => kafkaProxy.bytesSwallowed, () => {
        round.mustHavePrinted(round.agents, AGENT_FAILED);
      });
      for (let times = 0; times < 2; times++) {
        await round.pause(2_000, 4_000);
        const ms = between(round.random, 2_000, 8_000);
        await disturb(round, "black_hole", ms, () => kafkaProxy.bytesSwallowed);
      }
      await round.hasHealed();
      await mustCome(round, "no writer had to join again", joinedAgain);
    },
  },
  {
    name: "acknowledgements dropped",
    async fault(round) {
      const { kafkaProxy } = round.lane;
      for (let times = 0; times < 3; times++) {
        const ms = between(round.random, 2_000, 8_000);
        await disturb(round, "drop_replies", ms, () => kafkaProxy.acksDropped);
        await round.pause(2_000, 4_000);
      }
    },
  },
];
