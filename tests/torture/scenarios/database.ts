/** Faults of PostgreSQL and of the way to it: scenarios 8 to 10, 15. */
import { cp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { dsnOf } from "../lane.ts";
import { delay } from "../load.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../variant.ts";

/** A client of our own, past the proxy. */
async function connected(round: Round): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: dsnOf(round.lane.postgres, round.database),
    application_name: "torture",
  });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** 8: PostgreSQL stopped, its backends terminated, away for two minutes. */
export const POSTGRES_STOP: Variant[] = [
  ...(["fast", "immediate"] as const).map((mode): Variant => ({
    name: mode,
    async fault(round) {
      for (let times = 0; times < 2; times++) {
        await round.lane.postgres.stop(mode);
        await round.pause(1_000, 5_000);
        await round.lane.postgres.start();
        await round.pause(3_000, 5_000);
      }
    },
  })),
  {
    name: "backends terminated",
    async fault(round) {
      for (let times = 0; times < 10; times++) {
        await round.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND application_name = 'httpmon-writer'`,
        );
        await round.pause(300, 1_500);
      }
    },
  },
  {
    name: "away for 120 s",
    async fault({ lane: { postgres } }) {
      await postgres.stop("fast");
      await delay(120_000);
      await postgres.start();
    },
  },
];

/** 9: the server commits, and the writer never hears of it. */
export const COMMIT_REPLY: Variant[] = [{
  name: "cut",
  async fault(round) {
    const { postgresProxy } = round.lane;
    const before = postgresProxy.commitsCut;
    for (let times = 0; times < 4; times++) {
      postgresProxy.cutCommitReplies(3);
      await round.pause(1_500, 3_500);
    }
    postgresProxy.cutCommitReplies(0);
    if (postgresProxy.commitsCut === before) throw new Error("No reply to a COMMIT was cut");
  },
}];

/** 10: a lock, deadlocks, no connection to be had. */
export const POSTGRES_BUSY: Variant[] = [
  {
    name: "table lock for 40 s",
    async fault(round) {
      const client = await connected(round);
      await client.query("BEGIN; LOCK TABLE check_results IN ACCESS EXCLUSIVE MODE");
      await delay(40_000);
      await client.end();
      round.mustHavePrinted(round.writers, "lock timeout");
    },
  },
  {
    name: "deadlocks",
    async fault(round) {
      const client = await connected(round);
      // The writer takes the offset's row first and the table next; this one the other way round.
      let lost = 0;
      for (let times = 0; times < 6; times++) {
        await client.query("BEGIN; LOCK TABLE check_results IN ACCESS EXCLUSIVE MODE");
        await delay(600);
        await client.query("SELECT * FROM consumer_offsets FOR UPDATE").catch(() => lost++);
        await client.query("ROLLBACK");
        await round.pause(500, 1_500);
      }
      await client.end();
      round.note(`${lost} deadlocks lost by the other side`);
      if (lost === 0) round.mustHavePrinted(round.writers, "deadlock detected");
    },
  },
  {
    name: "connections used up",
    async fault(round) {
      const taken: pg.Client[] = [];
      const until = performance.now() + 15_000;
      while (performance.now() < until) {
        await round.pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE application_name = 'httpmon-writer'`,
        );
        try {
          while (true) taken.push(await connected(round));
        } catch {
          await delay(500); // none is left
        }
      }
      await Promise.all(taken.map((client) => client.end().catch(() => {})));
      round.mustHavePrinted(round.writers, "Storing a batch failed");
    },
  },
];

/** 15: put back to an older copy of all its files; the topic is read again from there. */
export const RESTORE: Variant[] = [
  {
    name: "older copy",
    // Kafka's commit is ahead of an older copy until the writer has caught up.
    placesHold: false,
    async fault(round) {
      await copyFiles(round);
      await round.pause(6_000, 10_000);
      await putBack(round);
    },
  },
  {
    name: "older copy and nothing new to store",
    placesHold: false,
    async drive(round) {
      await round.load.run(round.seconds * 300);
      await copyFiles(round);
      await round.load.run(round.seconds * 700);
      if (!await round.drained(60_000)) throw new Error("The load was not stored");
      await putBack(round);
    },
  },
];

function filesOf({ lane: { data } }: Round): { files: string; copy: string } {
  const folder = join(data.path, "postgres");
  return { files: join(folder, "data"), copy: join(folder, "copy") };
}

async function copyFiles(round: Round): Promise<void> {
  const { files, copy } = filesOf(round);
  await round.lane.postgres.stop("fast");
  await cp(files, copy, { recursive: true, preserveTimestamps: true });
  await handOver(files, copy);
  await round.lane.postgres.start();
}

async function putBack(round: Round): Promise<void> {
  const { files, copy } = filesOf(round);
  await round.lane.postgres.stop("immediate");
  await rename(files, `${files}-lost`);
  await rename(copy, files);
  await round.lane.postgres.start();
  await rm(`${files}-lost`, { recursive: true });
}

/** PostgreSQL wants its files to be its own user's. */
async function handOver(from: string, to: string): Promise<void> {
  const { uid, gid } = await Deno.stat(from);
  const walk = async (path: string): Promise<void> => {
    await Deno.chown(path, uid, gid);
    for await (const entry of Deno.readDir(path)) {
      if (entry.isDirectory) await walk(join(path, entry.name));
      else if (entry.isFile) await Deno.chown(join(path, entry.name), uid, gid);
    }
  };
  await walk(to);
  await Deno.chmod(to, 0o700);
}
