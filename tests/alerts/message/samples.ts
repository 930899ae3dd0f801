/** Messages of every kind, for what is made of them. */
import type { Incident, Message } from "../../../alerts/message/message.ts";
import { sample } from "../../../alerts/test_channel.ts";

export const NOW = Date.UTC(2026, 4, 1, 10, 5);

const CAUSE = "status 503";

export function incident(changes: Partial<Incident> = {}): Incident {
  const { site = "shop" } = changes;
  return {
    id: "42",
    site,
    url: `https://shop.example/${site}`,
    kind: "down",
    severity: "critical",
    openedAt: "2026-05-01T10:03:00.000123Z",
    acknowledgedAt: null,
    acknowledgedBy: null,
    closedAt: null,
    cause: CAUSE,
    locations: ["eu-west", "us-east"],
    evidence: [
      {
        agent: "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e4f",
        location: "eu-west",
        since: "2026-05-01T10:01:00.000123Z",
        cause: CAUSE,
        seen: null,
      },
      {
        agent: "0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90",
        location: "us-east",
        since: "2026-05-01T10:01:40.000456Z",
        cause: CAUSE,
        seen: {
          reason: "status",
          status: 503,
          ms: 2_412.4,
          phases: { dns: 12, connect: 24, tls: 41, firstByte: 2_320, download: 15 },
          address: "192.0.2.10",
          answer: "HTTP/1.1 503 Service Unavailable",
        },
      },
    ],
    labels: { group: "web" },
    flapping: false,
    before: { wellSince: "2026-04-27T17:00:00Z", incidents: 2, seconds: 840 },
    link: "https://status.example/incidents/42",
    ...changes,
  };
}

export function message(changes: Partial<Message> = {}): Message {
  const event = changes.event ?? "opened";
  const isOver = event === "resolved";
  return {
    key: event === "opened" ? "key-1" : "key-2",
    thread: "key-1",
    event,
    includesOpening: false,
    incidents: [incident({ closedAt: isOver ? "2026-05-01T10:04:30.5Z" : null })],
    left: isOver ? 0 : 1,
    ...changes,
  };
}

/** So many sites of a host. */
export function several(count: number, changes: Partial<Incident> = {}): Incident[] {
  return Array.from(
    { length: count },
    (_, n) => incident({ id: String(n + 1), site: `site ${n + 1}`, ...changes }),
  );
}

/** What a site or a config could hold to break the form around it. */
export const HOSTILE =
  '<!channel> *x* [a](http://evil.example) {{title}} "q" \\ & </td><script>\u202e';

/** All that a channel may be handed, by a name. */
export const ALL: Record<string, Message> = {
  opened: message(),
  acknowledged: message({
    event: "acknowledged",
    incidents: [
      incident({ acknowledgedAt: "2026-05-01T10:04:00.1Z", acknowledgedBy: "on-call" }),
    ],
  }),
  reminder: message({ event: "reminder" }),
  resolved: message({ event: "resolved" }),
  both: message({ event: "resolved", includesOpening: true }),
  "several opened": message({ incidents: several(3), left: 3 }),
  "several resolved": message({
    event: "resolved",
    incidents: several(2, { closedAt: "2026-05-01T10:04:30.5Z" }),
    left: 1,
  }),
  many: message({ incidents: several(10_000, { link: null }), left: 10_000 }),
  bare: message({
    incidents: [
      incident({ url: "", evidence: [], locations: [], labels: {}, before: null, link: null }),
    ],
  }),
  hostile: message({
    incidents: [incident({
      site: HOSTILE,
      cause: HOSTILE.repeat(40),
      labels: { team: HOSTILE },
      locations: [HOSTILE],
    })],
  }),
  "of another kind": message({
    incidents: [incident({ kind: "slo_fast", severity: "info", site: "checkout" })],
  }),
  "of a test": { ...sample(NOW, "https://status.example"), key: "key-1", thread: "key-1" },
};
