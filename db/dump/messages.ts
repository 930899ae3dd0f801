import { type ResultMessage, type TlsInfo, VERDICTS } from "../../wire/message.ts";
import { fingerprintOf } from "../store/values.ts";

/** In the session's time zone, which is to be UTC. */
function timestamp(column: string): string {
  return `to_char(${column}, 'YYYY-MM-DD HH24:MI:SS.US')`;
}

// Looked up for each result, not joined: tables that were filled just now have no statistics yet, and a
// join that is planned without them may take hours.
const CHAIN = `(SELECT (
    SELECT json_agg(json_build_object(
      'subject', cert.subject, 'issuer', cert.issuer, 'names', cert.names,
      'serial', cert.serial, 'fingerprint', encode(cert.fingerprint, 'hex'),
      'notBefore', ${timestamp("cert.not_before")}, 'notAfter', ${timestamp("cert.not_after")}
    ) ORDER BY shown.n)
    FROM unnest(changed.chain) WITH ORDINALITY AS shown(fingerprint, n)
    JOIN certificates cert USING (fingerprint)
  ) FROM site_certificates changed
  WHERE changed.site_id = r.site_id AND changed.agent_id = r.agent_id
    AND changed.first_seen = r.ts)`;
// The bounds keep other days' partitions out of the plan.
const EVIDENCE = `(SELECT json_build_object(
    'statusLine', e.status_line, 'headers', e.headers, 'body', e.body
  ) FROM evidence e
  WHERE e.site_id = r.site_id AND e.ts = r.ts AND e.agent_id = r.agent_id
    AND e.ts >= $1::timestamptz AND e.ts < $2::timestamptz)`;

/**
 * The results from $1 until $2 for `toMessage`, ordered by ts.
 *
 * @param ofSites Only those of sites whose ids are in $3
 */
export function selectMessages(ofSites: boolean): string {
  return `SELECT ${timestamp("r.ts")} AS ts, a.identity AS agent, s.url, s.name,
      r.regex_result, r.response_code, r.response_time, w.error_message, r.verdict, w.reason,
      w.error_class, w.first_reason,
      ${timestamp("r.ts - r.lateness::float8 * interval '1 millisecond'")} AS scheduled_at,
      c.frequency, r.slots, r.attempts, r.loop_delay,
      r.dns_ms, r.connect_ms, r.tls_ms, r.first_byte_ms, r.download_ms,
      r.body_bytes, r.body_truncated, host(n.remote_address) AS remote_address, n.http_version,
      r.redirects, r.maintenance, c.location, c.labels, c.site_labels,
      n.verified, n.tls_version, n.cipher, n.tls_error,
      ${timestamp("n.expires_at")} AS expires_at, n.fingerprint,
      ${CHAIN} AS chain, ${EVIDENCE} AS evidence
    FROM check_results r
    JOIN sites s ON s.id = r.site_id
    JOIN agents a ON a.id = r.agent_id
    LEFT JOIN contexts c ON c.id = r.context_id
    LEFT JOIN connections n ON n.id = r.connection_id
    LEFT JOIN reasons w ON w.id = r.reason_id
    WHERE r.ts >= $1::timestamptz AND r.ts < $2::timestamptz
      ${ofSites ? "AND r.site_id = ANY($3::int4[])" : ""}
    ORDER BY r.ts, r.site_id, r.agent_id`;
}

/** Older rows may have no response time, which no message lacks. */
export type DumpedResult = Omit<ResultMessage, "responseTime"> & { responseTime: number | null };

/**
 * A row as the message that it came from. A certificate chain is there where the site's changed.
 *
 * @param row Of `selectMessages`
 */
// deno-lint-ignore no-explicit-any
export function toMessage(row: any): DumpedResult {
  return {
    ts: row.ts,
    agentUUID: row.agent,
    url: row.url,
    regexResult: row.regex_result,
    responseCode: row.response_code,
    responseTime: row.response_time,
    errorMessage: row.error_message,
    site: row.name ?? undefined,
    verdict: VERDICTS[row.verdict],
    reason: row.reason ?? undefined,
    errorClass: row.error_class ?? undefined,
    scheduledAt: row.scheduled_at ?? undefined,
    frequency: row.frequency ?? undefined,
    slots: row.slots ?? undefined,
    attempts: row.attempts ?? undefined,
    firstReason: row.first_reason ?? undefined,
    loopDelay: row.loop_delay ?? undefined,
    phases: row.dns_ms === null ? undefined : {
      dns: row.dns_ms,
      connect: row.connect_ms,
      tls: row.tls_ms,
      firstByte: row.first_byte_ms,
      download: row.download_ms,
    },
    bodyBytes: row.body_bytes ?? undefined,
    bodyTruncated: row.body_truncated ?? undefined,
    remoteAddress: row.remote_address ?? undefined,
    httpVersion: row.http_version ?? undefined,
    redirects: row.redirects ?? undefined,
    tls: row.verified === null ? undefined : toTls(row),
    location: row.location ?? undefined,
    labels: row.labels ?? undefined,
    siteLabels: row.site_labels ?? undefined,
    maintenance: row.maintenance ?? undefined,
    evidence: row.evidence ?? undefined,
  };
}

// deno-lint-ignore no-explicit-any
function toTls(row: any): TlsInfo {
  return {
    version: row.tls_version,
    cipher: row.cipher,
    verified: row.verified,
    error: row.tls_error,
    expiresAt: row.expires_at,
    fingerprint: row.fingerprint && fingerprintOf(row.fingerprint.toString("hex")),
    // deno-lint-ignore no-explicit-any
    chain: row.chain?.map((certificate: any) => ({
      ...certificate,
      fingerprint: fingerprintOf(certificate.fingerprint),
    })),
  };
}
