import type { ClientBase } from "pg";
import type { ResultMessage } from "../../wire/message.ts";
import { insertCertificates } from "./certificate_rows.ts";
import { insertEvidence } from "./evidence_rows.ts";
import { ARRAYS, compared, NAMES, toColumns } from "./result_columns.ts";
import { withIds } from "./result_ids.ts";

/** What became of results that were to be stored. */
export interface InsertTally {
  /** Rows that went in. */
  inserted: number;
  /** Results that were stored already, the same. */
  duplicates: number;
  /** Indexes of the results whose identity belongs to another content. */
  taken: number[];
}

const INSERT = `INSERT INTO check_results (${NAMES})
  SELECT * FROM unnest(${ARRAYS}) ON CONFLICT DO NOTHING`;

/**
 * A response time that the older program recorded, in whole milliseconds, is the same as one of the
 * message that it stems from: reading the topic again after a carry-over finds duplicates. So it does
 * where a row has none of the details, which a writer stored that did not know them yet.
 * OFFSET 0 keeps the planner from joining all partitions instead of looking each row up.
 */
const FIND_TAKEN = `SELECT (i.n - 1)::int4 AS index
  FROM unnest(${ARRAYS}) WITH ORDINALITY AS i(${NAMES}, n)
  CROSS JOIN LATERAL (
    SELECT * FROM check_results
    WHERE site_id = i.site_id AND ts = i.ts AND agent_id = i.agent_id OFFSET 0
  ) AS r
  WHERE (${compared.base("r")}) IS DISTINCT FROM (${compared.base("i")})
    OR (r.response_time IS DISTINCT FROM i.response_time
      AND (r.response_time = floor(r.response_time)
        AND abs(r.response_time - i.response_time) < 1) IS NOT TRUE)
    OR ((${compared.details("r")}) IS DISTINCT FROM (${compared.details("i")})
      AND NOT (${compared.details("r")}) IS NULL)
  ORDER BY i.n`;

/**
 * Stores results whose days have partitions, with their evidence and certificates, in the caller's
 * transaction. Results are told apart by (ts, agent, site): the same one again is left out, and so is
 * another one that has the identity of one that is stored, or of an earlier one in `messages`.
 */
export async function insertResults(
  client: ClientBase,
  messages: readonly ResultMessage[],
): Promise<InsertTally> {
  if (messages.length === 0) return { inserted: 0, duplicates: 0, taken: [] };
  const rows = await withIds(client, messages);
  const columns = toColumns(rows);
  const inserted = (await client.query(INSERT, columns)).rowCount ?? 0;
  const taken = inserted === rows.length ? [] : await findTaken(client, columns);
  // What belongs to a duplicate is there already, or else should be.
  const others = new Set(taken);
  const stored = taken.length === 0 ? rows : rows.filter((_, index) => !others.has(index));
  await insertEvidence(client, stored);
  await insertCertificates(client, stored);
  return { inserted, duplicates: rows.length - inserted - taken.length, taken };
}

async function findTaken(client: ClientBase, columns: (unknown[] | null)[]): Promise<number[]> {
  const { rows } = await client.query(FIND_TAKEN, columns);
  return rows.map(({ index }) => index);
}
