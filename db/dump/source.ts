import type { ClientBase } from "pg";
import type { FROM } from "../../runtime/options.ts";
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
  const isRaw = origin === "raw";
  const table = isRaw ? "check_results" : `rollup_${origin}`;
  const time = isRaw ? "ts" : "bucket";
  const columns = await columnsOf(client, isRaw ? "results" : table);
  if (!isRaw) {
    columns.splice(
      1,
      2, // site_id and agent_id
      { name: "site", type: "text" },
      { name: "url", type: "text" },
      { name: "agent", type: "uuid" },
    );
  }
  const list = columns.map(({ name, type }) =>
    `${(AS_READ[type] ?? asItIs)(`r.${name}`)} AS ${name}`
  );
  const rows = isRaw ? "results" : `(
      SELECT r.*, coalesce(s.name, s.url) AS site, s.url, a.identity AS agent
      FROM ${table} r
      LEFT JOIN sites s ON s.id = r.site_id
      LEFT JOIN agents a ON a.id = r.agent_id
    )`;
  // The view has no ids; by the URL the planner finds the site first, and its results by their key.
  const sites = isRaw
    ? `AND url = ANY (ARRAY(SELECT url FROM sites WHERE id = ANY ($3::int4[])))
       AND site = ANY (ARRAY(SELECT coalesce(name, url) FROM sites WHERE id = ANY ($3::int4[])))`
    : "AND site_id = ANY ($3::int4[])";
  return {
    table,
    time,
    piece: { raw: "day", hourly: "day", daily: "month", monthly: "year" }[origin],
    columns,
    select: (ofSites) =>
      `SELECT ${list.join(", ")} FROM ${rows} AS r
       WHERE r.${time} >= $1::timestamptz AND r.${time} < $2::timestamptz ${ofSites ? sites : ""}
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
