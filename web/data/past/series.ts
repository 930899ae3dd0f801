import type { Pool } from "pg";
import { type Seen, STATES } from "../now/site_state.ts";
import { literal, MS, rowsOf } from "../sql.ts";
import type { Percentiles } from "./percentiles.ts";
import type { Range } from "./range.ts";
import type { Counts } from "./ring.ts";

export const PHASES = ["dns", "connect", "tls", "first_byte", "download"] as const;

/** A point of a site's charts: slots, and milliseconds; null without a response. */
export interface Point extends Counts, Percentiles, Record<typeof PHASES[number], number | null> {
  /** Its start, milliseconds since 1970. */
  at: number;
  checks: number;
}

const COUNTS = ["checks", ...STATES];

/** The points of a site's charts, of an agent alone where one is given; what has no result is missing. */
export async function seriesOf(
  pool: Pool,
  id: number,
  agent: number | null,
  range: Range,
): Promise<Point[]> {
  return (await pool.query(seriesSql(id, agent, range))).rows;
}

/** SQL for it: of rollups, or of results, by steps of any length and with exact percentiles. */
export function seriesSql(id: number, agent: number | null, range: Range): string {
  const [since, until] = [literal(range.since), literal(range.until)];
  if (range.step !== "results") {
    const counts = COUNTS.map((name) => `${name}::float8`).join(", ");
    return `SELECT ${MS("bucket", "at")}, ${counts},
  p50, p95, p99, ${PHASES.join(", ")}
FROM httpmon_series(ARRAY[${id}], ${since}, ${until}, '${range.step}', ${agent !== null})${
      agent === null ? "" : ` WHERE agent_id = ${agent}`
    }`;
  }
  const slots = (what: string) =>
    `coalesce(sum(coalesce(slots, 1)) FILTER (WHERE ${what}), 0)::float8`;
  const q = (column: string, share: number, filter: string) =>
    `(percentile_disc(${share}) WITHIN GROUP (ORDER BY ${column}) FILTER (WHERE ${filter}))::float8`;
  const figures = [
    ...STATES.slice(0, 4).map((name, n) =>
      `${slots(`verdict = ${n} AND NOT in_maintenance`)} AS ${name}`
    ),
    `${slots("in_maintenance")} AS maintenance`,
    ...[50, 95, 99].map((p) => `${q("response_time", p / 100, "counts")} AS p${p}`),
    ...PHASES.map((name) => `${q(`${name}_ms`, 0.5, `counts AND ${name}_ms > 0`)} AS ${name}`),
  ];
  const bin = `date_bin('${range.stepMs} ms', ts, ${since}::timestamptz)`;
  return `SELECT ${MS(bin, "at")}, count(*)::float8 AS checks,
  ${figures.join(",\n  ")}
FROM (
  SELECT *, maintenance IS TRUE AS in_maintenance,
    response_code IS NOT NULL AND verdict < 3 AND maintenance IS NOT TRUE AS counts
  FROM check_results
  WHERE site_id = ${id}${
    agent === null ? "" : ` AND agent_id = ${agent}`
  } AND ts >= ${since} AND ts < ${until}
) AS r
GROUP BY 1 ORDER BY 1`;
}

/** What an agent saw of a site in a range. */
export interface FromAgent extends Counts {
  agentId: number;
  agent: string;
  /** Where it stands, or its UUID. */
  place: string;
  checks: number;
}

export async function byAgent(
  pool: Pool,
  id: number,
  range: Range,
  seen: readonly Seen[],
): Promise<FromAgent[]> {
  const rows = await rowsOf<Omit<FromAgent, "place">>(
    pool,
    `SELECT agent_id, identity AS agent,
       ${COUNTS.map((name) => `sum(${name})::float8 AS ${name}`).join(", ")}
     FROM httpmon_rollup(ARRAY[$1::int4], $2, $3) JOIN agents ON agents.id = agent_id
     GROUP BY 1, 2 ORDER BY 1`,
    [id, new Date(range.since), new Date(range.until)],
  );
  return rows.map((row) => ({
    ...row,
    place: seen.find(({ agentId }) => agentId === row.agentId)?.location ?? row.agent,
  }));
}
