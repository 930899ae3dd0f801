import type { ClientBase } from "pg";
import type { Certificate } from "../../wire/message.ts";
import { Distinct } from "./distinct.ts";
import type { ResultRow } from "./result_columns.ts";
import { bytesOf, utc } from "./values.ts";

/**
 * Stores the chains of results that have one: each certificate once, and for each site and agent the
 * moments when the chain changed.
 */
export async function insertCertificates(
  client: ClientBase,
  rows: readonly ResultRow[],
): Promise<void> {
  const shown = rows.flatMap((row) => {
    const chain = row.message.tls?.chain ?? [];
    return chain.length === 0 ? [] : [{ ...row, chain }];
  });
  if (shown.length === 0) return;
  const certificates = new Distinct<Certificate>();
  for (const certificate of shown.flatMap(({ chain }) => chain)) {
    certificates.add(certificate.fingerprint, certificate);
  }
  await insertNew(client, certificates.values);
  await insertChanges(
    client,
    shown.map(({ message, siteId, agentId, chain }) => ({
      seen_at: utc(message.ts),
      site_id: siteId,
      agent_id: agentId,
      chain: chain.map(({ fingerprint }) => bytesOf(fingerprint)),
    })),
  );
}

/** In one order, so that two writers with the same new certificates cannot deadlock. */
async function insertNew(client: ClientBase, certificates: readonly Certificate[]): Promise<void> {
  await client.query(
    `INSERT INTO certificates
     SELECT * FROM json_populate_recordset(NULL::certificates, $1) ORDER BY fingerprint
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(certificates.map((certificate) => ({
      fingerprint: bytesOf(certificate.fingerprint),
      not_before: utc(certificate.notBefore),
      not_after: utc(certificate.notAfter),
      subject: certificate.subject,
      issuer: certificate.issuer,
      serial: certificate.serial,
      names: certificate.names,
    })))],
  );
}

interface ShownChain {
  seen_at: string;
  site_id: number;
  agent_id: number;
  chain: string[];
}

/**
 * A chain is a change if the one before it is another one: among those of this call, or the latest
 * stored one up to its time. So a result that is read again changes nothing.
 */
async function insertChanges(client: ClientBase, shown: readonly ShownChain[]): Promise<void> {
  await client.query(
    `WITH shown AS MATERIALIZED (
       SELECT s.seen_at, s.site_id, s.agent_id, s.chain, before.seen_at AS before_at,
         before.chain AS before_chain,
         lag(s.seen_at) OVER earlier AS lag_at, lag(s.chain) OVER earlier AS lag_chain
       FROM json_populate_recordset(NULL::site_certificates, $1) AS s
       LEFT JOIN LATERAL (
         SELECT c.seen_at, c.chain FROM site_certificates AS c
         WHERE c.site_id = s.site_id AND c.agent_id = s.agent_id AND c.seen_at <= s.seen_at
         ORDER BY c.seen_at DESC LIMIT 1
       ) AS before ON true
       WINDOW earlier AS (PARTITION BY s.site_id, s.agent_id ORDER BY s.seen_at)
     )
     INSERT INTO site_certificates (seen_at, site_id, agent_id, chain)
     SELECT seen_at, site_id, agent_id, chain FROM shown
     WHERE chain IS DISTINCT FROM
       CASE WHEN before_at > lag_at OR lag_at IS NULL THEN before_chain ELSE lag_chain END
     ORDER BY site_id, agent_id, seen_at
     ON CONFLICT DO NOTHING`,
    [JSON.stringify(shown)],
  );
}
