import type { Pool } from "pg";
import { createOffsets } from "../../consume/offsets.ts";
import { maintain } from "../../db/history/maintain.ts";
import { ResultStore } from "../../db/store/store.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ResultMessage, TlsInfo } from "../../wire/message.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { seeded } from "../simulate/seeded.ts";
import { DAYS, PLACES, type SampleSite, SITES, type Trouble, TROUBLES } from "./sample.ts";

const SOURCE = { consumer: "writer", clusterId: "sample", topic: "monitoring", partition: 0 };
const BATCH = 4_000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Each minute of late, and before that so seldom that a quarter is there in half a minute. */
const RECENT_MS = 26 * 60 * MINUTE_MS;
const [OFTEN_S, SELDOM_S] = [60, 900];
/** By then an agent says that a site is down. */
const NOTICED_MS = 2 * MINUTE_MS;

const agents = Object.entries(PLACES).map(([location, ms], n) => ({
  location,
  ms,
  uuid: `6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e0${n + 1}`,
}));

/** What is stored of the sample sites. */
export class SampleHistory {
  readonly #pool: Pool;
  readonly #store: ResultStore;
  /** To which troubles are anchored. */
  readonly #now: number;
  #until: number;
  #position = 0;

  constructor(pool: Pool, log: Logger, now: number) {
    this.#pool = pool;
    this.#store = new ResultStore(pool, { log });
    this.#now = now;
    this.#until = now - DAYS * DAY_MS;
  }

  /** A quarter up to now: results stored as a writer does, rolled up, and incidents. */
  async make(): Promise<void> {
    await createOffsets(this.#pool, {}).read(SOURCE, [0]);
    await this.catchUp(this.#now);
    const keep = { raw: null, hourly: null, daily: null, evidence: null, deadLetters: null };
    const retention = { ...keep, incidents: null };
    await maintain({ pool: this.#pool, clock: systemClock, retention, waitMs: 0 });
    await addIncidents(this.#pool, this.#now);
    await this.#pool.query("ANALYZE");
  }

  /** Stores what the agents have seen since. */
  async catchUp(until: number): Promise<void> {
    let batch: ResultMessage[] = [];
    for (const message of results(this.#now, this.#until, until)) {
      if (batch.push(message) < BATCH) continue;
      await this.#storeAll(batch);
      batch = [];
    }
    if (batch.length > 0) await this.#storeAll(batch);
    this.#until = until;
  }

  async #storeAll(messages: readonly ResultMessage[]): Promise<void> {
    const position = this.#position;
    const records = messages.map((message, n) => ({
      offset: BigInt(position + n),
      timestamp: BigInt(Date.now()),
      key: null,
      value: null,
      decode: () => ({ ok: true as const, message }),
    }));
    const place = { position: BigInt(position), first: position === 0 };
    const { kind } = await this.#store.storeBatch(SOURCE, records, place);
    if (kind !== "stored") throw new Error(`A batch was not stored: ${kind}`);
    this.#position += messages.length;
  }
}

/** What the agents saw from one time to another, in its order. */
function* results(now: number, from: number, until: number): Generator<ResultMessage> {
  const random = seeded(Math.floor(from / 1_000));
  // Due times are whole multiples of the frequency, so that it goes on where it ended.
  for (let at = floorTo(from, SELDOM_S * 1_000); at <= until;) {
    const frequency = now - at <= RECENT_MS ? OFTEN_S : SELDOM_S;
    for (const [n, site] of SITES.entries()) {
      const due = at + n / SITES.length * frequency * 1_000;
      if (due <= from || due > until) continue;
      if (site.days !== undefined && now - due > site.days * DAY_MS) continue;
      for (const agent of agents) {
        const trouble = troubleOf(site, agent.location, due, now);
        if (trouble?.is === "unobserved") continue;
        yield resultOf({ site, agent, at: due, now, frequency, trouble, random });
      }
    }
    at += frequency * 1_000;
  }
}

function floorTo(ms: number, step: number): number {
  return Math.floor(ms / step) * step;
}

function troubleOf(site: SampleSite, location: string, at: number, now: number) {
  return TROUBLES.find((one) => {
    const start = now - one.daysAgo * DAY_MS;
    return (one.site ?? site.name) === site.name && at >= start &&
      at < start + one.minutes * MINUTE_MS && (one.from?.includes(location) ?? true);
  });
}

interface Seen {
  site: SampleSite;
  agent: typeof agents[number];
  at: number;
  now: number;
  frequency: number;
  trouble: Trouble | undefined;
  random: () => number;
}

function resultOf({ site, agent, at, now, frequency, trouble, random }: Seen): ResultMessage {
  const noise = Math.exp((random() + random() + random() - 1.5) * 0.7);
  // By day a site is busier than by night.
  const busy = 1 + 0.35 * Math.sin((at / DAY_MS - 0.3) * 2 * Math.PI);
  const factor = trouble?.is === "degraded" ? 9 : random() < 0.004 ? 6 : 1;
  const phases = {
    dns: 1 + 3 * random(),
    connect: agent.ms * (0.9 + 0.2 * random()),
    tls: agent.ms * (1.1 + 0.3 * random()),
    firstByte: agent.ms + site.ms * busy * noise * factor,
    download: 1 + site.ms * 0.06 * noise,
  };
  const isRefused = trouble?.error !== undefined;
  const due = BigInt(Math.round(at)) * 1_000n;
  return {
    ts: formatTimestamp(due + BigInt(Math.floor(random() ** 4 * 9_000))),
    scheduledAt: formatTimestamp(due),
    agentUUID: agent.uuid,
    location: agent.location,
    url: site.url,
    site: site.name,
    siteLabels: { group: site.group },
    frequency,
    regexResult: null,
    responseCode: isRefused ? null : trouble?.is === "down" ? 503 : 200,
    responseTime: Object.values(phases).reduce((sum, ms) => sum + ms, 0),
    errorMessage: trouble?.error ?? null,
    verdict: trouble === undefined ? "up" : trouble.is as "down" | "degraded",
    phases,
    bodyBytes: 18_000,
    remoteAddress: "192.0.2.17",
    httpVersion: "1.1",
    ...trouble?.reason !== "connection_refused" && { tls: tlsOf(site, now, at, frequency) },
    ...trouble !== undefined && {
      reason: trouble.reason,
      ...isRefused && { errorClass: trouble.reason },
      ...!isRefused && { evidence: EVIDENCE[trouble.is as "down" | "degraded"] },
    },
  };
}

const EVIDENCE = {
  down: {
    statusLine: "HTTP/1.1 503 Service Unavailable",
    headers: {
      "content-type": "application/json",
      "retry-after": "30",
      server: "envoy",
      "x-request-id": "0f41c2d9",
    },
    body: '{"error":"upstream connect error or disconnect/reset before headers"}',
  },
  degraded: {
    statusLine: "HTTP/1.1 200 OK",
    headers: { "content-type": "text/html; charset=utf-8", "server-timing": "db;dur=1481" },
    body: null,
  },
};

/** Its chain is in the first result of a day. */
function tlsOf(site: SampleSite, now: number, at: number, frequency: number): TlsInfo {
  const stamp = (days: number) => formatTimestamp(BigInt(Math.floor(now + days * DAY_MS)) * 1_000n);
  const host = new URL(site.url).hostname;
  const print = (n: number) =>
    Array.from({ length: 32 }, (_, k) => (n * 37 + k * 11) % 256)
      .map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
  const seed = SITES.findIndex(({ url }) => new URL(url).hostname === host) + 1;
  const certificate = (subject: string, issuer: string, n: number, from: number, to: number) => ({
    subject,
    issuer,
    names: n === 0 ? [] : [`DNS:${host}`],
    serial: `0${n}`,
    fingerprint: print(n),
    notBefore: stamp(from),
    notAfter: stamp(to),
  });
  const days = site.certificateDays;
  return {
    version: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    verified: true,
    error: null,
    expiresAt: stamp(days),
    fingerprint: print(seed),
    ...at % DAY_MS < frequency * 1_000 && {
      chain: [
        certificate(`CN=${host}`, "CN=Example Issuing CA 3", seed, days - 90, days),
        certificate("CN=Example Issuing CA 3", "CN=Example Root", 0, -900, 1_400),
      ],
    },
  };
}

/** What an alerter would have opened, and whom it would have told. */
async function addIncidents(pool: Pool, now: number): Promise<void> {
  const time = (ms: number) => new Date(ms);
  for (const one of TROUBLES.toSorted((a, b) => b.daysAgo - a.daysAgo)) {
    // One of three agents is no majority.
    if (one.is === "unobserved" || one.from !== undefined) continue;
    const start = now - one.daysAgo * DAY_MS;
    const end = start + one.minutes * MINUTE_MS + NOTICED_MS;
    const opened = start + NOTICED_MS;
    const closed = end > now ? null : end;
    const cause = one.error ??
      (one.is === "down"
        ? "status 503: expected 200"
        : "response time 1,840 ms: expected at most 1,000 ms");
    const acknowledged = one.isAcknowledged ? time(opened + 3 * MINUTE_MS) : null;
    const { rows: [{ id }] } = await pool.query(
      `INSERT INTO incidents (site_id, kind, severity, opened_at, acknowledged_at, acknowledged_by,
         closed_at, cause, locations, evidence, labels)
       SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, '{}' FROM sites WHERE name = $1 RETURNING id`,
      [
        one.site,
        one.is,
        one.is === "down" ? "critical" : "warning",
        time(opened),
        acknowledged,
        acknowledged && "on-call",
        closed && time(closed),
        cause,
        agents.map(({ location }) => location),
        JSON.stringify(agents.map(({ uuid, location }, n) => ({
          agent: uuid,
          location,
          since: time(start + n * 13_000).toISOString(),
          cause,
        }))),
      ],
    );
    const told = (event: string, channel: string, at: number) =>
      pool.query(
        `INSERT INTO notifications (incident_id, channel, event, state, attempts, created_at, due_at,
           sent_at) VALUES ($1, $2, $3, 'sent', 1, $4, $4, $5)`,
        [id, channel, event, time(at), time(at + 1_200)],
      );
    const channels = one.is === "down" ? ["pager", "team-chat"] : ["team-chat"];
    for (const channel of channels) {
      await told("opened", channel, opened);
      if (acknowledged !== null) await told("acknowledged", channel, acknowledged.getTime());
      if (closed !== null) await told("resolved", channel, closed);
    }
    for (const { afterMinutes, text, isPublic } of one.notes ?? []) {
      await pool.query(
        `INSERT INTO incident_notes (incident_id, at, author, is_public, text)
         VALUES ($1, $2, 'on-call', $3, $4)`,
        [id, time(start + afterMinutes * MINUTE_MS), isPublic, text],
      );
    }
  }
}
