import type { Pool } from "pg";
import type { RetentionConfig } from "../../config/types.ts";
import { partitionsBefore } from "./partitions.ts";
import { cutoffsAt } from "./retention.ts";
import { sweeps } from "./sweep.ts";

/** Hours of sites that are to be rolled up. */
const PENDING = `WITH pending AS (
  SELECT bucket AS hour, site_id FROM rollup_pending WHERE level = 'hour'
  UNION SELECT date_trunc('hour', hour), unnest(site_ids) FROM rollup_marks
)`;

/**
 * What a round of upkeep would do at `now`, in lines for a person.
 *
 * @param now Milliseconds since 1970
 */
export async function dryRun(
  pool: Pool,
  now: number,
  retention: RetentionConfig,
): Promise<string[]> {
  const cutoffs = cutoffsAt(now, retention);
  const { rows: [{ due, open }] } = await pool.query(
    `${PENDING} SELECT count(*) FILTER (WHERE hour + interval '1 hour' <= $1) AS due,
       count(*) FILTER (WHERE hour + interval '1 hour' > $1) AS open
     FROM pending`,
    [new Date(now)],
  );
  const lines = [
    `Would roll up ${due} hours of sites; ${open} are not over yet`,
  ];
  for (
    const [parent, cutoff] of [["check_results", cutoffs.raw], [
      "evidence",
      cutoffs.evidence,
    ]] as const
  ) {
    if (cutoff === null) {
      lines.push(`Keeps all of "${parent}"`);
      continue;
    }
    const partitions = await partitionsBefore(pool, parent, cutoff);
    const bytes = partitions.reduce((sum, partition) => sum + partition.bytes, 0);
    lines.push(
      `Would drop ${partitions.length} partitions of "${parent}" from before ${cutoff}, ${
        size(bytes)
      }`,
    );
    lines.push(...shortened(partitions.map(({ name, bytes }) => `  ${name}, ${size(bytes)}`)));
  }
  const rollups: Record<string, { unit: string; day: string | null }> = {
    rollup_hourly: { unit: "hour", day: cutoffs.hourly },
    rollup_daily: { unit: "day", day: cutoffs.daily && `${cutoffs.daily.slice(0, 8)}01` },
  };
  for (const { table, where, before } of await sweeps(pool, cutoffs)) {
    const rollup = rollups[table];
    const day = rollup ? rollup.day : before;
    if (day === null) continue;
    const { rows: [{ rows }] } = await pool.query(
      `SELECT count(*) AS rows FROM ${table} WHERE ${where}`,
      [day],
    );
    let line = `Would delete ${rows} rows of "${table}" from before ${day}`;
    if (rollup) {
      const { rows: [{ first }] } = await pool.query(
        `${PENDING} SELECT count(DISTINCT (site_id, date_trunc($2, hour, 'UTC'))) AS first
         FROM pending WHERE hour < $1::timestamp AT TIME ZONE 'UTC'`,
        [day, rollup.unit],
      );
      if (first > 0) line += `, and those of ${first} ${rollup.unit}s of sites rolled up first`;
    }
    lines.push(line);
  }
  return lines;
}

/** A retention that is new may drop years of days: the first of them will do. */
export function shortened(lines: readonly string[]): string[] {
  const SHOWN = 10;
  if (lines.length <= SHOWN + 1) return [...lines];
  return [...lines.slice(0, SHOWN), `  and ${lines.length - SHOWN} more`];
}

function size(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
