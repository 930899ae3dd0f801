import type { ClientBase } from "pg";
import type { FROM } from "../../runtime/cli/options.ts";
import { selectMessages, toMessage } from "./messages.ts";

/** What can be dumped: the results, or what they add up to. */
export type Origin = typeof FROM[number];

/** A dumped row, by the names of the columns. */
// deno-lint-ignore no-explicit-any
export type Row = Record<string, any>;

/** A column of a table, and its type's name in PostgreSQL. */
export interface Column {
  name: string;
  type: string;
}

/** Where the rows of a dump come from. */
export interface Source {
  /** Its rows are dumped. */
  table: string;
  /** The table's column by which they are in order. */
  time: string;
  /** How much is read at a time, so that the server sorts it in memory. */
  piece: string;
  /** Empty for messages, which are no table. */
  columns: readonly Column[];
  /** SQL of the rows from $1 until $2 in order, of the sites whose ids are in $3 where `ofSites`. */
  select(ofSites: boolean): string;
  toRow(row: Row): object;
}

/** Types that need SQL to become what every format can hold; arrays, as of sketches, are left out. */
const AS_READ: Record<string, (name: string) => string> = {
  timestamptz: (name) => `to_char(${name}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  inet: (name) => `host(${name})`,
  jsonb: (name) => `${name}::text`,
};
const PLAIN = ["bool", "int4", "int8", "float4", "float8", "text", "uuid"];
const asItIs = (name: string) => name;

/** The results as messages. */
export const MESSAGES: Source = {
  table: "check_results",
  time: "ts",
  piece: "day",
  columns: [],
  select: selectMessages,
  toRow: toMessage,
};

/** The results as the view "results" has them, or rollups with the names of their sites and agents. */
export async function tableOf(client: ClientBase, origin: Origin): Promise<Source> {
  if (origin === "raw") {
    return toSource({
      ...MESSAGES,
      columns: await columnsOf(client, "results"),
      rows: "results",
      // The view has no ids; by the URL the planner finds the site first, and its results by their key.
      ofSites: `url = ANY (ARRAY(SELECT url FROM sites WHERE id = ANY ($3::int4[])))
        AND site = ANY (ARRAY(SELECT coalesce(name, url) FROM sites WHERE id = ANY ($3::int4[])))`,
    });
  }
  const table = `rollup_${origin}`;
  const columns = await columnsOf(client, table);
  return toSource({
    table,
    time: "bucket",
    piece: { hourly: "day", daily: "month", monthly: "year" }[origin],
    columns: [
      { name: "bucket", type: "timestamptz" },
      { name: "site", type: "text" },
      { name: "url", type: "text" },
      { name: "agent", type: "uuid" },
      ...columns.filter(({ name }) => !["bucket", "site_id", "agent_id"].includes(name)),
      { name: "response_p50", type: "float8" },
      { name: "response_p95", type: "float8" },
      { name: "response_p99", type: "float8" },
    ],
    rows: `(SELECT rollup.*, coalesce(s.name, s.url) AS site, s.url, a.identity AS agent,
        response.ms[1] AS response_p50, response.ms[2] AS response_p95, response.ms[3] AS response_p99
      FROM ${table} AS rollup
      LEFT JOIN sites s ON s.id = site_id
      LEFT JOIN agents a ON a.id = agent_id
      LEFT JOIN httpmon_quantiles(httpmon_bins(sketch, 0), '{0.5,0.95,0.99}') AS response ON true)`,
    ofSites: "site_id = ANY ($3::int4[])",
  });
}

function toSource(
  { rows, ofSites, ...source }:
    & Pick<Source, "table" | "time" | "piece" | "columns">
    & { rows: string; ofSites: string },
): Source {
  const { time, columns } = source;
  const list = columns.map(({ name, type }) =>
    `${(AS_READ[type] ?? asItIs)(`r.${name}`)} AS ${name}`
  );
  return {
    ...source,
    select: (some) =>
      `SELECT ${list.join(", ")} FROM ${rows} AS r
       WHERE r.${time} >= $1::timestamptz AND r.${time} < $2::timestamptz
         ${some ? `AND ${ofSites}` : ""}
       ORDER BY r.${time}, r.site, r.agent`,
    toRow: (row) => row,
  };
}

async function columnsOf(client: ClientBase, relation: string): Promise<Column[]> {
  const { rows } = await client.query(
    `SELECT attname AS name, typname AS type
     FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
     WHERE attrelid = $1::regclass AND attnum > 0 AND typname = ANY ($2::text[])
     ORDER BY attnum`,
    [relation, [...PLAIN, ...Object.keys(AS_READ)]],
  );
  return rows;
}
