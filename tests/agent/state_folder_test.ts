import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openStateFolder } from "../../agent/state_folder.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { agentConfig, withFolder } from "./support.ts";

const UUID = "0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90";

function opened(stateDir: string, uuid: string | null = null) {
  return openStateFolder(
    agentConfig(stateDir, [], { uuid }).agent,
    new FakeClock(),
    recordingLog(),
  );
}

Deno.test("openStateFolder() makes the folder, and a UUID that is kept", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "a", "b");
    const first = await opened(path);
    assertMatch(first.agentUUID, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    await first.outbox.close();
    const second = await opened(path);
    assertEquals(second.agentUUID, first.agentUUID);
    await second.outbox.close();
  });
});

Deno.test("openStateFolder() takes the config's UUID and leaves the kept one", async () => {
  await withFolder(async (folder) => {
    const first = await opened(folder);
    await first.outbox.close();
    const second = await opened(folder, UUID);
    assertEquals(second.agentUUID, UUID);
    await second.outbox.close();
    assertEquals(await readFile(join(folder, "agent-uuid"), "utf8"), `${first.agentUUID}\n`);
  });
});

Deno.test("openStateFolder() names the folder that another process holds", async () => {
  await withFolder(async (folder) => {
    const first = await opened(folder);
    await assertRejects(
      () => opened(folder),
      UsageError,
      `The state folder "${folder}" is held by another process; stop that one, or give this one a ` +
        'folder of its own in "agent.state_dir"',
    );
    await first.outbox.close();
    const second = await opened(folder);
    await second.outbox.close();
  });
});

Deno.test("openStateFolder() says that the disk has less room than the outbox may take", async () => {
  await withFolder(async (folder) => {
    for (const [outboxMaxBytes, isShort] of [[2 ** 60, true], [2 ** 20, false]] as const) {
      const log = recordingLog();
      const { agent } = agentConfig(folder, []);
      const { outbox } = await openStateFolder({ ...agent, outboxMaxBytes }, systemClock, log);
      await outbox.close();
      assertEquals(
        log.lines.map(({ level, message }) => [level, message.slice(0, 27)]),
        isShort ? [["error", "The disk has less room than"]] : [],
      );
      if (!isShort) continue;
      const { freeBytes, wantedBytes } = log.lines[0]!.fields as Record<string, number>;
      assert(freeBytes! > 0 && freeBytes! < wantedBytes! && wantedBytes! < outboxMaxBytes);
    }
  });
});

Deno.test("openStateFolder() names a folder that cannot be used", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const error = await assertRejects(
      () => opened(join(file, "state")),
      UsageError,
      `Cannot use the state folder "${join(file, "state")}"`,
    );
    assertMatch(error.message, /name one that can be written in "agent\.state_dir"$/);
    await mkdir(join(folder, "x", "outbox.db"), { recursive: true });
    await assertRejects(
      () => opened(join(folder, "x")),
      UsageError,
      "unable to open database file",
    );
  });
});

Deno.test("openStateFolder() refuses a UUID file that holds none", async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, "agent-uuid"), "hello");
    await assertRejects(() => opened(folder), UsageError, "does not hold a UUID");
    await writeFile(join(folder, "agent-uuid"), ` ${UUID.toUpperCase()} \n`);
    const { agentUUID, outbox } = await opened(folder);
    assertEquals(agentUUID, UUID);
    await outbox.close();
  });
});
