/** A message of each kind that there is, by a name: of results as agents send them, as far as they have any. */
import { toObservation } from "../../../alerts/topic/observation.ts";
import type { Incident, Message } from "../../../alerts/message/message.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { sevenFields } from "../../support/topic_io.ts";
import { incident, message } from "./samples.ts";

const OVER = "2026-05-01T10:04:30.5Z";
const AGENT = "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e4f";
const LOCATIONS = ["eu-west", "us-east"];
const PHASES = { dns: 12, connect: 24, tls: 41, firstByte: 320, download: 15 };

const CHECKS = {
  status: {
    responseCode: 503,
    reason: "status",
    evidence: { statusLine: "HTTP/1.1 503 Service Unavailable", headers: {}, body: null },
    responseTime: 2_412,
    phases: { ...PHASES, firstByte: 2_320 },
    remoteAddress: "192.0.2.10",
  },
  regex: { reason: "regex", responseTime: 412, phases: PHASES, remoteAddress: "192.0.2.10" },
  slow: {
    verdict: "degraded",
    reason: "degraded_response_time_ms",
    responseTime: 2_412,
    phases: { ...PHASES, firstByte: 2_320 },
    remoteAddress: "192.0.2.10",
  },
  certificate: {
    verdict: "degraded",
    reason: "certificate_days_left",
    responseTime: 412,
    phases: PHASES,
    remoteAddress: "192.0.2.10",
    tls: tlsUntil("2026-05-07 12:00:00.000000"),
  },
  refused: failed("connection_refused", "connect ECONNREFUSED 192.0.2.10:443", 3),
  dns: failed("dns_not_found", 'The name "shop.example" does not exist', 41),
  expired: {
    ...failed("tls_certificate_expired", "The certificate was valid until 2026-04-30", 77),
    tls: tlsUntil("2026-04-30 12:00:00.000000"),
  },
  timeout: failed("timeout", "No full response within 30 s: waiting for the first byte", 30_000),
} satisfies Record<string, Partial<ResultMessage>>;

function failed(errorClass: string, errorMessage: string, responseTime: number) {
  return { errorClass, errorMessage, responseTime, responseCode: null };
}

function tlsUntil(expiresAt: string): ResultMessage["tls"] {
  const none = { version: null, cipher: null, error: null, fingerprint: null };
  return { ...none, verified: true, expiresAt };
}

/** An incident of a site that was seen so, from both locations. */
function seen(check: Partial<ResultMessage>, changes: Partial<Incident> = {}): Incident {
  const result = sevenFields(0, { verdict: "down", ...check }) as ResultMessage;
  const { cause, seen } = toObservation(result, 0, 0n, 30_000);
  const { evidence } = incident();
  const isDegraded = result.verdict === "degraded";
  return incident({
    ...isDegraded && { kind: "degraded", severity: "warning" },
    cause,
    evidence: evidence.map((one) => ({ ...one, cause, seen })),
    ...changes,
  });
}

/** One of an agent, or what else is no site. */
function other(kind: string, changes: Partial<Incident>): Incident {
  return incident({ kind, url: "", evidence: [], labels: {}, before: null, ...changes });
}

function ofAgent(
  kind: string,
  cause: string,
  saw: Partial<Incident["evidence"][number]>,
): Incident {
  const since = "2026-05-01T10:00:20Z";
  const [location] = LOCATIONS;
  return other(kind, {
    site: `agent ${location}`,
    cause,
    locations: [location!],
    evidence: [{ agent: AGENT, location: location!, since, cause: "heard last", ...saw }],
  });
}

const one = (incident: Incident, changes: Partial<Message> = {}) =>
  message({ incidents: [incident], ...changes });
const sites = (count: number, changes: Partial<Incident> = {}) =>
  Array.from({ length: count }, (_, n) => {
    const site = `shop-${n + 1}`;
    return seen(CHECKS.status, { site, url: `https://shop.example/${n + 1}`, ...changes });
  });
const { seen: unreachable } = toObservation(
  sevenFields(0, failed("unreachable", "connect EHOSTUNREACH 192.0.2.10:443", 9)) as ResultMessage,
  0,
  0n,
  30_000,
);

export const OF_EACH_KIND: Record<string, Message> = {
  "down, by a status": one(seen(CHECKS.status)),
  "down, by a rule": one(seen(CHECKS.regex)),
  "down, refused": one(seen(CHECKS.refused)),
  "down, no name": one(seen(CHECKS.dns)),
  "down, a certificate has ended": one(seen(CHECKS.expired)),
  "down, no answer in time": one(seen(CHECKS.timeout)),
  "down, as two locations see it otherwise": one(seen(CHECKS.status, {
    evidence: [
      seen(CHECKS.timeout).evidence[0]!,
      seen(CHECKS.status).evidence[1]!,
    ],
  })),
  "down, flapping": one(seen(CHECKS.status, { flapping: true })),
  "down, and degraded before": one(seen(CHECKS.status, {
    before: { wellSince: "2026-05-01T10:03:00Z", incidents: 1, seconds: 120 },
  })),
  "degraded, slow": one(seen(CHECKS.slow)),
  "degraded, a certificate ends": one(seen(CHECKS.certificate)),
  "unobserved": one(incident({
    kind: "unobserved",
    severity: "warning",
    cause: "no agent says how it is",
    locations: [],
    evidence: [],
  })),
  "an objective": one(seen(CHECKS.status, {
    kind: "slo_fast",
    cause: "50 times as often as 99.9 % allows, over an hour",
    locations: ["eu-west"],
    evidence: seen(CHECKS.status).evidence.slice(0, 1),
  })),
  "an agent is silent": one(
    ofAgent("agent_silent", "not heard for 4 min; nobody else watches 3 sites", {}),
  ),
  "an agent has lost its sites": one(ofAgent(
    "agent_network",
    "it sees 21 of its 25 sites down; others see them well",
    { cause: "unreachable: connect EHOSTUNREACH 192.0.2.10:443", seen: unreachable },
  )),
  "a channel fails": one(other("channel_failed", {
    site: "channel chat",
    cause: "The receiver answered with status 404: no_service",
    locations: [],
  })),
  "several": message({ incidents: sites(3), left: 3 }),
  "several, slow": message({
    incidents: [2_412, 3_017].map((responseTime, n) =>
      seen({ ...CHECKS.slow, responseTime }, { site: `shop-${n + 1}` })
    ),
    left: 2,
  }),
  "many": message({ incidents: sites(1_200), left: 1_200 }),
  "acknowledged": one(
    seen(CHECKS.status, {
      acknowledgedAt: "2026-05-01T10:04:00.1Z",
      acknowledgedBy: "on-call",
    }),
    { event: "acknowledged" },
  ),
  "a reminder": one(seen(CHECKS.status), { event: "reminder" }),
  "resolved": one(seen(CHECKS.status, { closedAt: OVER }), { event: "resolved" }),
  "several resolved": message({
    event: "resolved",
    incidents: sites(2, { closedAt: OVER }),
    left: 1,
  }),
  "opened and resolved in one": one(seen(CHECKS.status, { closedAt: OVER }), {
    event: "resolved",
    includesOpening: true,
  }),
  "several, opened and resolved in one": message({
    event: "resolved",
    includesOpening: true,
    incidents: sites(3, { closedAt: OVER }),
  }),
  "an agent, opened and resolved in one": one(
    {
      ...ofAgent("agent_silent", "not heard for 4 min; others watch its sites", {}),
      closedAt: OVER,
    },
    { event: "resolved", includesOpening: true },
  ),
};
