/** Faults of PostgreSQL and of the way to it: scenarios 8 to 10, 15. */
import { execFile } from "node:child_process";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { dsnOf } from "../lane.ts";
import { delay } from "../load/load.ts";
import { between } from "../load/random.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../product/variant.ts";
import { countedBy, mustCome, OF_WRITER, printedSince, STORE_FAILED, storesMore } from "./proof.ts";

/** SQLSTATE. */
const DEADLOCK = "40P01";
const TOO_MANY_CONNECTIONS = "53300";

const WENT_BACK = "The stored offset went back";

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

/** 8: PostgreSQL stopped, its backends terminated, away for two minutes, silent. */
export const POSTGRES_STOP: Variant[] = [
  ...(["fast", "immediate"] as const).map((mode): Variant => ({
    name: mode,
    async fault(round) {
      for (let times = 0; times < 2; times++) {
        await stoppedFor(round, mode, between(round.random, 1_000, 5_000));
        await round.pause(3_000, 5_000);
      }
    },
  })),
  {
    name: "backends terminated",
    async fault(round) {
      const client = await connected(round);
      for (let times = 0; times < 8; times++) await terminateInTransaction(round, client);
      await client.end();
    },
  },
  {
    name: "away for 120 s",
    lasts: 120,
    fault: (round) => stoppedFor(round, "fast", 120_000),
  },
  {
    // Until the writer itself gives up a batch, which it does after 30 s.
    name: "black hole",
    lasts: 40,
    async fault(round) {
      const { postgresProxy } = round.lane;
      const { batchesGivenUp } = postgresProxy;
      const failed = printedSince(round.writers, ...STORE_FAILED);
      await storesMore(round);
      postgresProxy.set("black_hole");
      const givenUp = () => postgresProxy.batchesGivenUp > batchesGivenUp && failed();
      await mustCome(round, "no writer gave up a batch", givenUp);
      postgresProxy.set("pass");
    },
  },
];

/** Stops PostgreSQL and starts it again after `ms`, and when a writer has missed it. */
async function stoppedFor(round: Round, mode: "fast" | "immediate", ms: number): Promise<void> {
  const { postgres } = round.lane;
  const { pid } = postgres;
  await storesMore(round);
  const missed = printedSince(round.writers, ...STORE_FAILED);
  await postgres.stop(mode);
  await delay(ms);
  await mustCome(round, "no writer missed PostgreSQL", missed);
  await postgres.start();
  round.mustHave(postgres.pid !== pid, "PostgreSQL was not started again");
}

/** Ends a writer's session that waits in its transaction, for a row that we hold. */
async function terminateInTransaction(round: Round, client: pg.Client): Promise<void> {
  const failed = printedSince(round.writers, ...STORE_FAILED);
  await client.query("BEGIN; SELECT FROM consumer_offsets FOR UPDATE");
  let hit = 0;
  await mustCome(round, "no writer waited in a transaction", async () => {
    const { rows } = await round.pool.query(
      `SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity
       WHERE ${OF_WRITER} AND wait_event_type = 'Lock' AND xact_start IS NOT NULL`,
    );
    hit = rows.filter(({ ended }) => ended).length;
    return hit > 0;
  });
  await client.query("ROLLBACK");
  await mustCome(round, "no writer lost its session", failed);
  await round.pause(300, 1_500);
}

/** 9: the one message that is a batch comes in part, or its reply does not come back. */
export const BATCH_CUT: Variant[] = [
  {
    name: "reply",
    async fault(round) {
      const { postgresProxy } = round.lane;
      const before = postgresProxy.repliesCut;
      for (let times = 0; times < 4; times++) {
        postgresProxy.cutReplies(3);
        await round.pause(1_500, 3_500);
      }
      postgresProxy.cutReplies(0);
      const cut = postgresProxy.repliesCut - before;
      round.mustHave(cut >= 4, `${cut} replies to stored batches were cut`);
      // It counts what it found stored by a call that it took for a failed one.
      const [writer] = round.writers;
      await round.stop(writer!);
      round.startWriter();
      const skipped = countedBy(writer!, "skipped");
      round.mustHave(skipped > 0, "no batch was stored whose reply was cut");
      round.note(`${cut} replies cut, ${skipped} records skipped`);
    },
  },
  {
    name: "request",
    async fault(round) {
      const { postgresProxy } = round.lane;
      const before = postgresProxy.requestsCut;
      for (let times = 0; times < 4; times++) {
        postgresProxy.cutRequests(3);
        await round.pause(1_500, 3_500);
      }
      postgresProxy.cutRequests(0);
      const cut = postgresProxy.requestsCut - before;
      round.mustHave(cut >= 4, `${cut} batches were cut`);
      round.mustHavePrinted(round.writers, ...STORE_FAILED);
      round.note(`${cut} batches cut`);
    },
  },
];

/** Whether a writer's session waits for a lock. Within a transaction the answer would stay the same. */
async function writerWaits({ pool }: Round): Promise<boolean> {
  const { rows } = await pool.query(
    `SELECT FROM pg_stat_activity WHERE ${OF_WRITER} AND wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

/** 10: a lock, deadlocks, no connection to be had. */
export const POSTGRES_BUSY: Variant[] = [
  {
    name: "table lock for 40 s",
    lasts: 40,
    async fault(round) {
      const client = await connected(round);
      await client.query("BEGIN; LOCK TABLE check_results IN ACCESS EXCLUSIVE MODE");
      await mustCome(round, "no writer waits for the table", () => writerWaits(round));
      await delay(40_000);
      await client.end();
      round.mustHavePrinted(round.writers, "lock timeout");
    },
  },
  {
    name: "deadlocks",
    async fault(round) {
      const client = await connected(round);
      const deadlocks = async () => {
        const sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        return Number((await client.query(sql)).rows[0].deadlocks);
      };
      const before = await deadlocks();
      // The writer takes the offset's row first and the table next; this one the other way round.
      let ours = 0;
      for (let times = 0; times < 6; times++) {
        await client.query("BEGIN; LOCK TABLE check_results IN ACCESS EXCLUSIVE MODE");
        await mustCome(round, "no writer waits for the table", () => writerWaits(round));
        try {
          await client.query("SELECT FROM consumer_offsets FOR UPDATE");
        } catch (error) {
          if ((error as { code?: string }).code !== DEADLOCK) throw error;
          ours++;
        }
        await client.query("ROLLBACK");
        await round.pause(500, 1_500);
      }
      // Of itself a session tells the statistics at times only.
      await mustCome(
        round,
        "no writer lost a deadlock",
        async () => await deadlocks() - before > ours,
      );
      round.note(
        `${await deadlocks() - before - ours} deadlocks lost by the writer, ${ours} by us`,
      );
      await client.end();
    },
  },
  {
    name: "connections used up",
    async fault(round) {
      const client = await connected(round);
      const taken: pg.Client[] = [];
      const takeAll = async () => {
        try {
          while (true) taken.push(await connected(round));
        } catch (error) {
          if ((error as { code?: string }).code !== TOO_MANY_CONNECTIONS) throw error;
        }
      };
      let without = 0;
      await mustCome(round, "there were always connections for the writers", async () => {
        await client.query(
          `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE ${OF_WRITER}`,
        );
        await Promise.all([takeAll(), takeAll(), takeAll()]);
        await delay(400);
        const sql = `SELECT FROM pg_stat_activity WHERE ${OF_WRITER}`;
        if ((await client.query(sql)).rows.length === 0) without++;
        return without === 20;
      });
      for (const one of [...taken, client]) await one.end();
    },
  },
];

/** 15: put back to an older copy of all its files; the topic is read again from there. */
export const RESTORE: Variant[] = [
  {
    name: "older copy",
    restored: true,
    async fault(round) {
      await copyFiles(round);
      await round.pause(6_000, 10_000);
      await putBack(round);
      await round.hasHealed();
      round.mustHavePrinted(round.writers, WENT_BACK);
    },
  },
  {
    name: "older copy and nothing new to store",
    restored: true,
    async drive(round) {
      await round.load.run(round.seconds * 300);
      await copyFiles(round);
      await round.load.run(round.seconds * 700);
      await round.stop(round.agents[0]!);
      if (await round.stored() === null) throw new Error("The load was not stored");
      await putBack(round);
      await round.hasHealed();
      round.mustHavePrinted(round.writers, WENT_BACK);
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
  await promisify(execFile)("cp", ["-a", files, copy]);
  await round.lane.postgres.start();
}

async function putBack(round: Round): Promise<void> {
  const { files, copy } = filesOf(round);
  const { postgres, postgresProxy } = round.lane;
  // Nothing is stored again before we have looked at what there is.
  postgresProxy.set("cut");
  const before = await round.count();
  await postgres.stop("immediate");
  await rename(files, `${files}-lost`);
  await rename(copy, files);
  await postgres.start();
  const after = await round.count();
  round.mustHave(after < before, "the copy has as much as there was");
  round.note(`${before - after} of ${before} rows gone`);
  postgresProxy.set("pass");
  await rm(`${files}-lost`, { recursive: true });
}
