/** Adds a numbered result every millisecond or so, and prints the numbers that are on disk. */
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
setInterval(() => outbox.add({ key: "k", value: String(++number) }), 1);
while (true) {
  const rows = await outbox.next(1_000, 2 ** 20, new AbortController().signal);
  stdout.write(`${rows.at(-1)!.value}\n`);
}
