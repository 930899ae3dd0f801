/** Scenario 18: a random fault every 15 s. */
import { delay } from "../load/load.ts";
import { oneOf } from "../load/random.ts";
import type { ProxyMode } from "../proxy/proxy.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../product/variant.ts";
import { comeUp, goDown } from "./alerts.ts";

/** Makes a fault and heals it. @returns Whether it hit; nothing: it cannot miss */
type Fault = (round: Round) => Promise<boolean | void>;

/** Each heals within 12 s. */
const FAULTS: Readonly<Record<string, Fault>> = {
  async "writer kill"(round) {
    await round.writers.at(-1)!.kill();
    await round.pause(0, 3_000);
    round.startWriter();
  },
  async "writer freeze"(round) {
    const writer = round.writers.at(-1)!;
    writer.signal("SIGSTOP");
    await round.pause(1_000, 10_000);
    writer.signal("SIGCONT");
  },
  async "agent kill"(round) {
    await round.agents.at(-1)!.kill();
    round.startAgent();
  },
  async "alerter kill"(round) {
    await round.alerters.at(-1)!.kill();
    round.startAlerter();
  },
  async "alerter freeze"(round) {
    const alerter = round.alerters.at(-1)!;
    alerter.signal("SIGSTOP");
    await round.pause(1_000, 10_000);
    alerter.signal("SIGCONT");
  },
  async "broker kill"({ lane: { kafka } }) {
    kafka.kill("SIGKILL");
    await kafka.start();
  },
  async "broker freeze"(round) {
    round.lane.kafka.kill("SIGSTOP");
    await round.pause(1_000, 10_000);
    round.lane.kafka.kill("SIGCONT");
  },
  "broker cut": (round) => broker(round, "cut", "connectionsCut"),
  "broker black hole": (round) => broker(round, "black_hole", "bytesSwallowed"),
  "acknowledgements dropped": (round) => broker(round, "drop_replies", "acksDropped"),
  async "postgres immediate stop"(round) {
    await round.lane.postgres.stop("immediate");
    await round.pause(0, 4_000);
    await round.lane.postgres.start();
  },
  "postgres cut": (round) => network(round, "postgresProxy", "cut", "connectionsCut"),
  "postgres black hole": (round) => network(round, "postgresProxy", "black_hole", "bytesSwallowed"),
  async "stored without a reply"(round) {
    const { postgresProxy } = round.lane;
    const before = postgresProxy.repliesCut;
    postgresProxy.cutReplies(5);
    await round.pause(2_000, 5_000);
    postgresProxy.cutReplies(0);
    return postgresProxy.repliesCut > before;
  },
  async "batches cut"(round) {
    const { postgresProxy } = round.lane;
    const before = postgresProxy.requestsCut;
    postgresProxy.cutRequests(5);
    await round.pause(2_000, 5_000);
    postgresProxy.cutRequests(0);
    return postgresProxy.requestsCut > before;
  },
  async "slow network"(round) {
    round.lane.kafkaProxy.set("pass", 200);
    round.lane.postgresProxy.set("pass", 50);
    await round.pause(5_000, 10_000);
    round.lane.kafkaProxy.set("pass");
    round.lane.postgresProxy.set("pass");
  },
};

type Counter = "connectionsCut" | "bytesSwallowed" | "acksDropped";

function broker(round: Round, mode: ProxyMode, counter: Counter): Promise<boolean> {
  return network(round, "kafkaProxy", mode, counter);
}

async function network(
  round: Round,
  which: "kafkaProxy" | "postgresProxy",
  mode: ProxyMode,
  counter: Counter,
): Promise<boolean> {
  const { lane } = round;
  const before = lane[which][counter];
  lane[which].set(mode);
  await round.pause(1_000, 8_000);
  lane[which].set("pass");
  return lane[which][counter] > before;
}

/** 18: over five times the load's time otherwise, 300 s by default. */
export const RANDOM: Variant[] = [{
  name: "every 15 s",
  lasts: 240,
  alerters: [0, 0],
  async drive(round) {
    const end = performance.now() + round.seconds * 5_000;
    const loading = round.load.run(round.seconds * 5_000);
    await round.underWay();
    await goDown(round);
    let missed = 0;
    const names: string[] = [];
    while (performance.now() < end - 15_000) {
      const next = delay(15_000);
      const name = oneOf(round.random, Object.keys(FAULTS));
      names.push(name);
      // One that comes while another is being healed may find nothing to hit.
      if (await FAULTS[name]!(round) === false) missed++;
      await next;
    }
    await comeUp(round);
    await round.hasHealed();
    await loading;
    round.note(`${names.length} faults, ${missed} of them missed: ${names.join(", ")}`);
    round.mustHave(missed * 4 <= names.length, `${missed} of ${names.length} missed`);
  },
}];
