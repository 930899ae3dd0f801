/** Faults of the broker and of the way to it: scenarios 5 to 7. */
import { delay } from "../load.ts";
import type { Variant } from "../variant.ts";

/** 5: stopped in order or killed, and away for a while. */
export const BROKER_STOP: Variant[] = (["SIGTERM", "SIGKILL"] as const).flatMap((signal) =>
  [5, 40, 120].map((seconds): Variant => ({
    name: `${signal} ${seconds} s`,
    agent: true,
    async fault({ lane: { kafka } }) {
      if (signal === "SIGTERM") await kafka.stop();
      else kafka.kill("SIGKILL");
      await delay(seconds * 1000);
      await kafka.start();
    },
  }))
);

/** 6: frozen for longer than a session lasts. */
export const BROKER_FREEZE: Variant[] = [{
  name: "35 s",
  agent: true,
  async fault({ lane: { kafka } }) {
    kafka.kill("SIGSTOP");
    await delay(35_000);
    kafka.kill("SIGCONT");
  },
}];

/** 7: the network between everybody and the broker. */
export const BROKER_NETWORK: Variant[] = ([
  ["cut", "cut"],
  ["black hole", "black_hole"],
  ["acknowledgements dropped", "drop_replies"],
] as const).map(([name, mode]): Variant => ({
  name,
  agent: true,
  async fault(round) {
    const { kafkaProxy } = round.lane;
    for (let times = 0; times < 3; times++) {
      kafkaProxy.set(mode);
      await round.pause(2_000, 8_000);
      kafkaProxy.set("pass");
      await round.pause(2_000, 4_000);
    }
  },
}));
