import { assert, assertEquals } from "@std/assert";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { Outbox } from "../../../agent/outbox/outbox.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { until, withFolder } from "../support.ts";
import { messages, NEVER, options, values } from "./support.ts";

Deno.test("Outbox says that a damaged file was moved aside", async () => {
  await withFolder(async (folder) => {
    const { path } = options(folder);
    await writeFile(path, "x".repeat(10_000));
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { log }));
    outbox.add({ key: "k", value: "v1" });
    await outbox.close();
    assertEquals(log.lines.map(({ level }) => level), ["error"]);
    assert((await readdir(folder)).some((name) => name === "outbox.db.damaged"));
    assertEquals(values(folder), ["v1"]);
  });
});

Deno.test("Outbox whose file turns out damaged in use makes a new one and loses nothing", async () => {
  await withFolder(async (folder) => {
    await damageFreePages(folder);
    const log = recordingLog();
    const outbox = await Outbox.open(options(folder, { log }));
    for (const message of messages(401, 500, "x".repeat(1_000))) outbox.add(message);
    await until(() => outbox.flush(), "it writes again");
    assertEquals([outbox.waiting, outbox.dropped, outbox.failing], [200, 0, false]);
    await outbox.close();
    assertEquals(
      values(folder).map((value) => value.length),
      messages(301, 500).map(() => 1_003),
    );
    const damaged = log.lines.find(({ message }) => message.startsWith("The outbox was damaged"));
    assertEquals([damaged!.fields.rescued, damaged!.fields.rescueError], [100, null]);
  });
});

Deno.test("Outbox found damaged on a full disk loses nothing, and mends it when there is room", async () => {
  await withFolder(async (folder) => {
    await damageFreePages(folder);
    const log = recordingLog();
    const disk = options(folder, { log, maxPages: 20 });
    const outbox = await Outbox.open(disk);
    for (const message of messages(401, 500, "x".repeat(1_000))) outbox.add(message);
    for (let i = 0; i < 3; i++) assertEquals(await outbox.flush(), false);
    assertEquals([outbox.waiting, outbox.dropped, outbox.failing], [200, 0, true]);
    assertEquals((await readdir(folder)).toSorted(), ["outbox.db", "outbox.db-journal"]);
    delete disk.maxPages;
    await until(() => outbox.flush(), "it writes again");
    assertEquals([outbox.waiting, outbox.dropped, outbox.failing], [200, 0, false]);
    await outbox.close();
    assertEquals(values(folder).length, 200);
  });
});

/** A file of 100 results, with damage that shows when a few are added. */
async function damageFreePages(folder: string): Promise<void> {
  const { path } = options(folder);
  const long = "x".repeat(1_000);
  const before = await Outbox.open(options(folder));
  for (const message of messages(1, 400, long)) before.add(message);
  await before.flush();
  before.remove((await before.next(300, 2 ** 20, NEVER)).map(({ id }) => id));
  await before.close();
  const content = await readFile(path);
  const trunk = content.readUInt32BE(32); // The first page of the free list.
  assert(trunk > 0);
  await writeFile(path, content.fill(0xff, (trunk - 1) * 4_096, trunk * 4_096));
}
