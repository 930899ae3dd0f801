import type { ClientBase } from "pg";
import { type ResultMessage, VERDICTS } from "../wire/message.ts";
import { verdictOf } from "../wire/verdict_of.ts";
import { agentIds, siteIds, type SiteKey } from "./identities.ts";

/** What became of results that were to be stored. */
export interface InsertTally {
  /** Rows that went in. */
  inserted: number;
  /** Results that were stored already, the same. */
  duplicates: number;
  /** Indexes of the results whose identity belongs to another content. */
  taken: number[];
}

/** The columns that come from a message, each with its type. */
const COLUMNS = {
  ts: "timestamptz",
  response_time: "float8",
  scheduled_at: "timestamptz",
  site_id: "int4",
  agent_id: "int4",
  response_code: "int4",
  verdict: "int2",
  regex_result: "bool",
  error_class: "text",
  reason: "text",
  error_message: "text",
} as const;
const NAMES = Object.keys(COLUMNS).join(", ");
const ARRAYS = Object.values(COLUMNS).map((type, index) => `$${index + 1}::${type}[]`).join(", ");

const INSERT = `INSERT INTO check_results (${NAMES})
  SELECT * FROM unnest(${ARRAYS}) ON CONFLICT DO NOTHING`;

/**
 * A response time that the older program recorded, in whole milliseconds, is the same as one of the
 * message that it stems from: reading the topic again after a carry-over finds duplicates.
 * OFFSET 0 keeps the planner from joining all partitions instead of looking each row up.
 */
const FIND_TAKEN = `SELECT (i.n - 1)::int4 AS index
  FROM unnest(${ARRAYS}) WITH ORDINALITY AS i(${NAMES}, n)
  CROSS JOIN LATERAL (
    SELECT * FROM check_results
    WHERE site_id = i.site_id AND ts = i.ts AND agent_id = i.agent_id OFFSET 0
  ) AS r
  WHERE (r.scheduled_at, r.response_code, r.verdict, r.regex_result, r.error_class, r.reason,
      r.error_message) IS DISTINCT FROM (i.scheduled_at, i.response_code, i.verdict,
      i.regex_result, i.error_class, i.reason, i.error_message)
    OR (r.response_time IS DISTINCT FROM i.response_time
      AND (r.response_time = floor(r.response_time)
        AND abs(r.response_time - i.response_time) < 1) IS NOT TRUE)
  ORDER BY i.n`;

/**
 * Stores results whose days have partitions, in the caller's transaction. Results are told apart by
 * (ts, agent, site): the same one again is left out, and so is another one that has the identity of
 * one that is stored, or of an earlier one in `messages`.
 */
export async function insertResults(
  client: ClientBase,
  messages: readonly ResultMessage[],
): Promise<InsertTally> {
  if (messages.length === 0) return { inserted: 0, duplicates: 0, taken: [] };
  const columns = toColumns(messages, await idsFor(client, messages));
  const inserted = (await client.query(INSERT, columns)).rowCount ?? 0;
  if (inserted === messages.length) return { inserted, duplicates: 0, taken: [] };
  const { rows } = await client.query(FIND_TAKEN, columns);
  const taken = rows.map(({ index }) => index);
  return { inserted, duplicates: messages.length - inserted - taken.length, taken };
}

/** The ids of each message's site and agent. */
interface Ids {
  sites: number[];
  agents: number[];
}

async function idsFor(client: ClientBase, messages: readonly ResultMessage[]): Promise<Ids> {
  const agents = new Distinct<string>();
  const sites = new Distinct<SiteKey>();
  const agentOf = messages.map(({ agentUUID }) => agents.add(agentUUID, agentUUID));
  const siteOf = messages.map(({ url, site = null }) =>
    sites.add(site === null ? url : `${site}\0${url}`, { url, name: site })
  );
  // Agents first, always: one order of locks for all writers.
  const agentIdOf = await agentIds(client, agents.values);
  const siteIdOf = await siteIds(client, sites.values);
  return {
    agents: agentOf.map((index) => agentIdOf[index]!),
    sites: siteOf.map((index) => siteIdOf[index]!),
  };
}

/** Values in the order of their first appearance. */
class Distinct<T> {
  readonly values: T[] = [];
  readonly #indexes = new Map<string, number>();

  /** @returns The value's index */
  add(key: string, value: T): number {
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#indexes.set(key, this.values.length);
    return this.values.push(value) - 1;
  }
}

/** In the order of COLUMNS. */
function toColumns(messages: readonly ResultMessage[], ids: Ids): unknown[][] {
  return [
    messages.map(({ ts }) => utc(ts)),
    messages.map(({ responseTime }) => responseTime),
    messages.map(({ scheduledAt }) => scheduledAt === undefined ? null : utc(scheduledAt)),
    ids.sites,
    ids.agents,
    messages.map(({ responseCode }) => responseCode),
    messages.map((message) => VERDICTS.indexOf(verdictOf(message))),
    messages.map(({ regexResult }) => regexResult),
    messages.map(({ errorClass }) => errorClass ?? null),
    messages.map(({ reason }) => reason ?? null),
    messages.map(({ errorMessage }) => errorMessage),
  ];
}

function utc(timestamp: string): string {
  return `${timestamp}+00`;
}
