import type { DatabaseConfig } from "../../config/types.ts";
import { sleep } from "../../runtime/clock.ts";
import { type RetryDeps, retryUntil } from "../../runtime/retry.ts";
import { adviceFor } from "../connect/advice.ts";
import { BUSY } from "./lock.ts";
import { maintain, maintainerPool } from "./maintain.ts";

/** Late results are in the rollups within a minute. */
const ROUND_MS = 30_000;

/** A round in the background waits for no other: what that one does is done. */
const WAIT_MS = 1;

/**
 * Upkeep in the background, a round every 30 s, until `signal` aborts. What fails is tried again; a
 * role that may not do it says so, once. Its connections are its own, so that no long step holds up
 * who stores results.
 */
export async function keepHistory(
  { dsn, retention, clock, log, signal, spell }:
    & Pick<DatabaseConfig, "dsn" | "retention">
    & Pick<RetryDeps, "clock" | "log" | "signal" | "spell">,
): Promise<void> {
  const pool = maintainerPool(dsn, log);
  const round = async () => {
    try {
      return await maintain({ pool, retention, clock, signal, waitMs: WAIT_MS });
    } catch (error) {
      if ((error as { code?: string }).code !== "42501") throw error;
      log.error(
        { error },
        'Rollups and retention need the rights of the tables\' owner; set "writer.maintain: off" here, ' +
          'and run "httpmon maintain" now and then as a role that has them',
      );
      return null;
    }
  };
  while (!signal.aborted) {
    const done = await retryUntil("Keeping rollups and retention", round, {
      clock,
      log,
      signal,
      spell,
      advise: adviceFor,
    });
    if (done?.value === null) break;
    if (done && done.value !== BUSY) {
      const { dropped, deleted } = done.value;
      if (dropped.length + Object.keys(deleted).length > 0) {
        log.notice({ dropped, deleted }, "Dropped what is over its days");
      }
    }
    await sleep(clock, ROUND_MS, signal);
  }
  await pool.end();
}
