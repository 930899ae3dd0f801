/** Scenario 18: a random fault every 15 s. */
import { delay } from "../load.ts";
import { oneOf } from "../random.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../variant.ts";

type Fault = (round: Round) => Promise<void>;

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
    await round.killAgent(round.agents.at(-1)!);
    round.startAgent();
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
  "broker cut": (round) => network(round, "cut"),
  "broker black hole": (round) => network(round, "black_hole"),
  "acknowledgements dropped": (round) => network(round, "drop_replies"),
  async "postgres immediate stop"(round) {
    await round.lane.postgres.stop("immediate");
    await round.pause(0, 4_000);
    await round.lane.postgres.start();
  },
  async "postgres cut"(round) {
    round.lane.postgresProxy.set("cut");
    await round.pause(1_000, 8_000);
    round.lane.postgresProxy.set("pass");
  },
  async "commit replies cut"(round) {
    round.lane.postgresProxy.cutCommitReplies(5);
    await round.pause(2_000, 5_000);
    round.lane.postgresProxy.cutCommitReplies(0);
  },
  async "slow network"(round) {
    round.lane.kafkaProxy.set("pass", 200);
    round.lane.postgresProxy.set("pass", 50);
    await round.pause(5_000, 10_000);
    round.lane.kafkaProxy.set("pass");
    round.lane.postgresProxy.set("pass");
  },
};

async function network(round: Round, mode: "cut" | "black_hole" | "drop_replies"): Promise<void> {
  round.lane.kafkaProxy.set(mode);
  await round.pause(1_000, 8_000);
  round.lane.kafkaProxy.set("pass");
}

/** 18: over five times the load's time otherwise, 300 s by default. */
export const RANDOM: Variant[] = [{
  name: "every 15 s",
  agent: true,
  async drive(round) {
    const end = performance.now() + round.seconds * 5_000;
    const loading = round.load.run(round.seconds * 5_000);
    await round.underWay();
    while (performance.now() < end - 15_000) {
      const next = delay(15_000);
      const name = oneOf(round.random, Object.keys(FAULTS));
      round.note(`fault: ${name}`);
      await FAULTS[name]!(round);
      await next;
    }
    await loading;
  },
}];
