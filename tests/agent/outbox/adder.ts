/** Adds a numbered result every millisecond or so, and prints each number with the time of adding. */
import { join } from "node:path";
import { argv, stdout } from "node:process";
import { Outbox } from "../../../agent/outbox/outbox.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const outbox = await Outbox.open({
  path: join(argv[2]!, "outbox.db"),
  maxBytes: 2 ** 30,
  maxAgeMs: 86_400_000,
  clock: systemClock,
  log: recordingLog(),
});
let number = 0;
setInterval(() => {
  outbox.add({ key: "k", value: String(++number) });
  stdout.write(`${number} ${Date.now()}\n`);
}, 1);
