import type { ClientBase } from "pg";
import type { ResultRow } from "./result_columns.ts";
import { utc } from "./values.ts";

/** Stores the evidence of results that have some; what a result has already stays. */
export async function insertEvidence(
  client: ClientBase,
  rows: readonly ResultRow[],
): Promise<void> {
  const found = rows.flatMap((row) => {
    const { evidence } = row.message;
    return evidence === undefined ? [] : [{ ...row, evidence }];
  });
  if (found.length === 0) return;
  await client.query(
    `INSERT INTO evidence (ts, site_id, agent_id, status_line, headers, body)
     SELECT * FROM unnest($1::timestamptz[], $2::int4[], $3::int4[], $4::text[], $5::jsonb[],
       $6::text[])
     ON CONFLICT DO NOTHING`,
    [
      found.map(({ message }) => utc(message.ts)),
      found.map(({ siteId }) => siteId),
      found.map(({ agentId }) => agentId),
      found.map(({ evidence }) => evidence.statusLine),
      found.map(({ evidence }) => JSON.stringify(evidence.headers)),
      found.map(({ evidence }) => evidence.body),
    ],
  );
}
