/** Full disks: scenario 11. */
import { chmod, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { startPostgres } from "../../../local/postgres/postgres.ts";
import { cannotMount, fill, mountSmall } from "../../support/small_disk.ts";
import { initSchema } from "../lane.ts";
import type { Round } from "../round.ts";
import type { Variant } from "../product/variant.ts";
import { mustCome, printedSince, STORE_FAILED, storesMore } from "./proof.ts";

const CANNOT_WRITE = "Cannot write to the outbox";
const WRITES_AGAIN = "The outbox can be written again";
/** SQLSTATE. */
const NO_ROOM = "53100";

/** 11: no room for PostgreSQL, and none for the agent's outbox. */
export const DISK_FULL: Variant[] = [
  {
    name: "postgres",
    skip: cannotMount,
    async setUp(round) {
      const folder = join(round.lane.data.path, "small-disk");
      const unmount = await mountSmall(folder, 300);
      round.atEnd(unmount);
      await chmod(folder, 0o711);
      const postgres = await startPostgres({
        folder: join(folder, "postgres"),
        settings: { max_wal_size: "64MB", min_wal_size: "32MB" },
      });
      round.atEnd(() => postgres.stop("immediate"));
      await round.useDatabaseOf(postgres);
      await initSchema(round.dsn);
    },
    async fault(round) {
      const folder = join(round.lane.data.path, "small-disk");
      for (let times = 0; times < 2; times++) {
        await storesMore(round);
        const noticed = printedSince(round.writers, ...STORE_FAILED);
        const ballast = await fill(folder);
        await mustCome(round, "PostgreSQL had room", () => hasNoRoom(round));
        await mustCome(round, "no writer noticed the full disk", noticed);
        await round.pause(6_000, 12_000);
        await rm(ballast);
        // It gives up where it cannot write its log; its operator starts it again.
        await round.postgres.start();
        await round.pause(3_000, 5_000);
      }
    },
  },
  {
    name: "outbox",
    skip: cannotMount,
    async setUp(round) {
      round.atEnd(await mountSmall(stateOf(round), 4));
    },
    async fault(round) {
      const { kafkaProxy } = round.lane;
      for (let times = 0; times < 2; times++) {
        const filled = printedSince(round.agents, CANNOT_WRITE);
        kafkaProxy.set("cut");
        const ballast = await fill(stateOf(round));
        await round.pause(6_000, 12_000);
        await mustCome(round, "the outbox had room", filled);
        await rm(ballast);
        await round.pause(2_000, 3_000);
        kafkaProxy.set("pass");
        await round.pause(2_000, 4_000);
      }
    },
  },
  {
    // Its own results take the last of the room, which nobody frees.
    name: "filled by the outbox",
    skip: cannotMount,
    async setUp(round) {
      round.atEnd(await mountSmall(stateOf(round), 4));
    },
    async fault(round) {
      const { kafkaProxy } = round.lane;
      const filled = printedSince(round.agents, CANNOT_WRITE);
      const healed = printedSince(round.agents, WRITES_AGAIN);
      kafkaProxy.set("cut");
      const ballast = await fill(stateOf(round));
      await truncate(ballast, (await stat(ballast)).size - 100_000);
      await mustCome(round, "the outbox had room", filled);
      kafkaProxy.set("pass");
      await mustCome(round, "the outbox did not heal", healed);
    },
  },
];

/** Whether a new table finds no room; or PostgreSQL has ended, as it does without room for its log. */
async function hasNoRoom(round: Round): Promise<boolean> {
  if (!round.postgres.kill("SIGCONT")) return true;
  try {
    await round.pool.query(
      "CREATE TABLE probe AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
    );
    await round.pool.query("DROP TABLE probe");
    return false;
  } catch (error) {
    return (error as { code?: string }).code === NO_ROOM;
  }
}

function stateOf(round: Round): string {
  return join(round.folder, "state");
}
