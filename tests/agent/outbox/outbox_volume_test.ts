import { assert, assertEquals } from "@std/assert";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Outbox } from "../../../agent/outbox/outbox.ts";
import { cannotMount, fill, mountSmall } from "../../support/small_disk.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { until, withFolder } from "../support.ts";
import { messages, NEVER, options, values } from "./support.ts";

const ignore = await cannotMount() !== null;

/** Runs `body` with a disk of 16 MB; its outbox may take more. */
async function onSmallDisk(body: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const unmount = await mountSmall(folder, 16);
    try {
      await body(folder);
    } finally {
      await unmount();
    }
  });
}

Deno.test({
  name: "Outbox that filled its own disk heals when the broker has all, and shrinks",
  ignore,
  fn: () =>
    onSmallDisk(async (folder) => {
      const log = recordingLog();
      const outbox = await Outbox.open(options(folder, { log }));
      await addUntilFull(outbox);
      await heals(outbox, folder);
      await outbox.close();
      assertEquals(values(folder).length, 100);
      const told = log.lines.filter(({ level }) => level !== "debug");
      assertEquals(told.map(({ level, message }) => [level, message.slice(0, 26)]), [
        ["error", "Cannot write to the outbox"],
        ["notice", "The outbox can be written "],
      ]);
    }),
});

Deno.test({
  name: "Outbox heals on a disk that others keep full, also after a restart",
  ignore,
  fn: () =>
    onSmallDisk(async (folder) => {
      const before = await Outbox.open(options(folder));
      for (const message of messages(1, 5_000, "x".repeat(1_000))) before.add(message);
      assertEquals(await before.flush(), true);
      await fill(folder);
      await addUntilFull(before);
      await before.close();
      const outbox = await Outbox.open(options(folder));
      assertEquals([outbox.waiting >= 5_000, outbox.failing], [true, false]);
      await heals(outbox, folder, ["ballast"]);
      await outbox.close();
      assertEquals(values(folder).length, 100);
    }),
});

async function addUntilFull(outbox: Outbox): Promise<void> {
  const value = "x".repeat(1_000);
  for (let from = 1; !outbox.failing; from += 1_000) {
    assert(from < 40_000, "the disk had room");
    for (const message of messages(from, from + 999, value)) outbox.add(message);
    await outbox.flush();
  }
}

/** Takes all that waits, as the broker does; then the outbox takes results as ever. */
async function heals(outbox: Outbox, folder: string, others: string[] = []): Promise<void> {
  while (outbox.waiting > 0) {
    const rows = await outbox.next(500, 900_000, NEVER);
    outbox.remove(rows.map(({ id }) => id));
  }
  await until(() => outbox.flush(), "what was sent is deleted");
  for (const message of messages(1, 100)) outbox.add(message);
  await until(() => outbox.flush(), "it takes results again");
  assertEquals([outbox.waiting, outbox.dropped, outbox.failing], [100, 0, false]);
  let bytes = 0;
  for (const name of await readdir(folder)) {
    if (!others.includes(name)) bytes += (await stat(join(folder, name))).size;
  }
  assert(bytes < 2 ** 21, `${bytes} bytes are left`);
}
