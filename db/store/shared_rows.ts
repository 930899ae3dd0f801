/** Rows that many results share. The hash of their content, made here, finds them. */
import { createHash } from "node:crypto";
import type { ClientBase } from "pg";
import type { TlsInfo } from "../../wire/message.ts";
import { idsOf } from "./ids.ts";
import { bytesOf, utc } from "./values.ts";

/** What an agent says of itself with each result. */
export interface AgentContext {
  location: string | null;
  /** Null where there are none. */
  labels: Readonly<Record<string, string>> | null;
}

/** How a connection was made secure; the chain is stored elsewhere. */
export type Handshake = Omit<TlsInfo, "chain">;

/** The ids of these contexts in the same order, made where they are missing. */
export function contextIds(
  client: ClientBase,
  contexts: readonly AgentContext[],
): Promise<number[]> {
  const columns = [
    // Labels in one order, whatever the message's is, as jsonb has them.
    contexts.map(({ location, labels }) =>
      identityOf([location, labels && Object.entries(labels).sort()])
    ),
    contexts.map(({ location }) => location),
    contexts.map(({ labels }) => labels && JSON.stringify(labels)),
  ];
  return idsOf(client, "context", columns, {
    find: `SELECT k.n::int4, c.id FROM unnest($1::uuid[]) WITH ORDINALITY AS k(identity, n)
       JOIN agent_contexts c USING (identity)`,
    findBy: 1,
    insert: `INSERT INTO agent_contexts (identity, location, labels)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[]) AS k(identity)
       ORDER BY identity ON CONFLICT DO NOTHING`,
  });
}

/** The ids of these handshakes in the same order, made where they are missing. */
export function handshakeIds(
  client: ClientBase,
  handshakes: readonly Handshake[],
): Promise<number[]> {
  const columns = [
    handshakes.map(({ version, cipher, verified, error, expiresAt, fingerprint }) =>
      identityOf([version, cipher, verified, error, expiresAt, fingerprint])
    ),
    handshakes.map(({ version }) => version),
    handshakes.map(({ cipher }) => cipher),
    handshakes.map(({ verified }) => verified),
    handshakes.map(({ error }) => error),
    handshakes.map(({ expiresAt }) => expiresAt === null ? null : utc(expiresAt)),
    handshakes.map(({ fingerprint }) => fingerprint === null ? null : bytesOf(fingerprint)),
  ];
  return idsOf(client, "handshake", columns, {
    find: `SELECT k.n::int4, h.id FROM unnest($1::uuid[]) WITH ORDINALITY AS k(identity, n)
       JOIN tls_handshakes h USING (identity)`,
    findBy: 1,
    insert: `INSERT INTO tls_handshakes
         (identity, version, cipher, verified, error, expires_at, fingerprint)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::text[],
         $6::timestamptz[], $7::bytea[]) AS k(identity)
       ORDER BY identity ON CONFLICT DO NOTHING`,
  });
}

/** Half a SHA-256, as a UUID. */
function identityOf(values: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 32);
}
