/** Faults of upkeep, and days that are held or dropped: scenarios 19 and 20. */
import { delay } from "../load/load.ts";
import { soon } from "../patience.ts";
import { clockAhead, type Product } from "../product/product.ts";
import type { Round } from "../round.ts";
import { endOffsets } from "../seen/topic.ts";
import type { Variant } from "../product/variant.ts";
import { besideOldLoad, dayOf, rowsOf } from "./messages.ts";
import { countedBy, mustCome, placesOf } from "./proof.ts";

const HOUR_MS = 3_600_000;
const OLD_DAY = -20;
/** Of the topic, which gets the old day's results alone. */
const HELD = 2;
const HELD_MS = 20_000;

/** 19: the maintainer killed, and a day dropped while results of it may still come. */
export const UPKEEP: Variant[] = [
  {
    name: "killed in mid-recompute",
    config: { writer: { maintain: "off" } },
    async fault(round) {
      const client = await round.pool.connect();
      try {
        for (let times = 0; times < 3; times++) {
          // Who computes rollups waits at the first that it would write.
          await client.query("BEGIN; LOCK TABLE rollup_hourly IN SHARE MODE");
          let maintainer = startAhead(round);
          await mustCome(round, "no maintainer recomputes", async () => {
            // It waits for a second only, and may have been missed.
            if (!maintainer.runs) maintainer = startAhead(round);
            const { rows } = await round.pool.query(
              `SELECT FROM pg_stat_activity WHERE datname = current_database()
               AND application_name = 'httpmon-maintain' AND query LIKE '%httpmon_roll_up%'
               AND wait_event_type = 'Lock'`,
            );
            return rows.length > 0;
          });
          await maintainer.kill();
          await client.query("ROLLBACK");
          await round.pause(1_000, 2_000);
        }
      } finally {
        client.release(true);
      }
      const maintainer = round.startMaintainer({});
      await maintainer.succeeds();
    },
  },
  {
    name: "a day dropped",
    async fault(round) {
      const day = dayOf(OLD_DAY);
      await besideOldLoad(round, { shiftMs: OLD_DAY * 24 * HOUR_MS }, async () => {
        const some = async () => await round.count(rowsOf(day)) > 500;
        await mustCome(round, "the old day has no rows", some);
      });
      // What is held up by rollups or readers goes in a later round.
      await mustCome(round, "the day is not dropped", async () => {
        await round.startMaintainer({ retention: { raw: 10 } }).succeeds();
        const sql =
          "SELECT count(*) FROM httpmon_bounds('check_results') WHERE bounds @> $1::timestamptz";
        const { rows: [{ count }] } = await round.pool.query(sql, [`${day} 12:00Z`]);
        return Number(count) === 0;
      });
      await besideOldLoad(
        round,
        { shiftMs: OLD_DAY * 24 * HOUR_MS },
        () => round.pause(3_000, 5_000),
      );
      await round.hasHealed();
      round.mustHave(await round.count(rowsOf(day)) === 0, "the dropped day came back");
      const [writer] = round.writers;
      await round.stop(writer!);
      round.startWriter();
      const expired = countedBy(writer!, "expired");
      round.mustHave(expired > 0, "nothing counted as expired");
      const rolledUp = await round.count(
        `SELECT sum(checks) FROM rollup_hourly WHERE bucket >= '${day}Z' AND bucket < date '${day}' + 1`,
      );
      round.mustHave(rolledUp > 0, "the dropped day is in no rollup");
      round.expired = { before: `${day} 24`, rolledUp, counted: expired };
      round.note(`${rolledUp} results rolled up and dropped, ${expired} expired`);
    },
  },
];

/** A round of upkeep two hours from now, when the hour under way is over. */
function startAhead(round: Round): Product {
  return round.startMaintainer(clockAhead(2 * HOUR_MS));
}

/** 20: one partition's day is locked; the others go on. */
export const HELD_PARTITION: Variant[] = [{
  name: "its day locked for 20 s",
  lasts: 30,
  async fault(round) {
    const day = dayOf(OLD_DAY);
    const load = { shiftMs: OLD_DAY * 24 * HOUR_MS, partition: HELD };
    await besideOldLoad(round, load, async () => {
      const some = async () => await round.count(rowsOf(day)) > 100;
      await mustCome(round, "the old day has no rows", some);
      const client = await round.pool.connect();
      try {
        await client.query(
          `BEGIN; LOCK TABLE check_results_p${day.replaceAll("-", "")} IN ACCESS EXCLUSIVE MODE`,
        );
        await delay(2_000);
        const held = (await placesOf(round)).get(HELD)!;
        await delay(HELD_MS);
        const ends = await endOffsets(round.brokers, round.topic);
        // They go on while it is held, however long that takes on this machine.
        const others = await soon(10, () => round.pids, async () => {
          const places = await placesOf(round);
          return [...ends].every(([partition, end]) =>
            partition === HELD || places.get(partition)!.stored >= end
          );
        });
        if (others === null) round.troubles.push("the other partitions were held up, too");
        const { stored } = (await placesOf(round)).get(HELD)!;
        round.mustHave(stored === held.stored, "the partition was not held");
      } finally {
        client.release(true);
      }
    });
  },
}];
