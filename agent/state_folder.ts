import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { AgentConfig } from "../config/types.ts";
import type { Clock } from "../runtime/clock.ts";
import { UsageError } from "../runtime/cli/exit_codes.ts";
import type { Logger } from "../runtime/log/log.ts";
import { ThreadError } from "../runtime/thread/thread.ts";
import { Outbox } from "./outbox/outbox.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What an agent keeps over restarts. */
export interface AgentState {
  outbox: Outbox;
  agentUUID: string;
}

/**
 * Opens the state folder, which is made if need be: the outbox, whose file also is the lock that
 * keeps other processes out, and the agent's UUID, made at the first start. The UUID is a file of
 * its own ("agent-uuid"), as it has to outlive a damaged outbox.
 *
 * @throws {UsageError} Where the folder cannot be used or is held by another process
 */
export async function openStateFolder(
  config: AgentConfig,
  clock: Clock,
  log: Logger,
): Promise<AgentState> {
  const { stateDir } = config;
  let outbox: Outbox | null = null;
  try {
    await mkdir(stateDir, { recursive: true });
    outbox = await Outbox.open({
      path: join(stateDir, "outbox.db"),
      maxBytes: config.outboxMaxBytes,
      maxAgeMs: config.outboxMaxAgeMs,
      clock,
      log,
    });
    await warnOfLittleRoom(config, log);
    return { outbox, agentUUID: config.uuid ?? await keptUUID(join(stateDir, "agent-uuid")) };
  } catch (error) {
    await outbox?.close();
    if (error instanceof UsageError) throw error;
    if (error instanceof ThreadError && error.kind === "locked") {
      throw new UsageError(
        `The state folder "${stateDir}" is held by another process; stop that one, or give this ` +
          `one a folder of its own in "agent.state_dir"`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(
      `Cannot use the state folder "${stateDir}" (${reason}); name one that can be written in ` +
        `"agent.state_dir"`,
      { cause: error },
    );
  }
}

/** Says so where the disk has less room than the outbox may yet take. */
async function warnOfLittleRoom(config: AgentConfig, log: Logger): Promise<void> {
  const { stateDir, outboxMaxBytes } = config;
  const { bavail, bsize } = await statfs(stateDir).catch(() => ({ bavail: Infinity, bsize: 1 }));
  const freeBytes = bavail * bsize;
  let wantedBytes = outboxMaxBytes;
  for (const name of await readdir(stateDir)) {
    wantedBytes -= (await stat(join(stateDir, name))).size;
  }
  if (freeBytes >= wantedBytes) return;
  log.error(
    { freeBytes, wantedBytes },
    "The disk has less room than the outbox may take, and when it is full, results are lost; " +
      'make room, or lower "agent.outbox_max_bytes"',
  );
}

async function keptUUID(path: string): Promise<string> {
  const kept = await readIfThere(path);
  if (kept !== null) {
    const uuid = kept.trim().toLowerCase();
    if (UUID.test(uuid)) return uuid;
    throw new UsageError(
      `"${path}" does not hold a UUID; put the agent's UUID back, or delete the file for a new one`,
    );
  }
  const uuid = randomUUID();
  // Written beside and then renamed: a crash leaves no half of it.
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(`${uuid}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  return uuid;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
}
