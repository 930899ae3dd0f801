/** A database with sites, results and incidents of the last hour in it, and the app on it. */
import type { Hono } from "hono";
import { systemClock } from "../../runtime/clock.ts";
import { createApp } from "../../web/app.ts";
import { History } from "../../web/data/past/history.ts";
import { CurrentSites } from "../../web/data/now/current_sites.ts";
import type { Env, WebDeps } from "../../web/env.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";
import { type OwnDatabase, ownDatabase, OwnStore, records, SOURCE } from "../db/fixture.ts";
import { loadedConfig } from "../support/config.ts";
import { recordingLog } from "../support/recording_log.ts";
import { certificate, fingerprint } from "../wire/full_message.ts";

const MINUTE_MS = 60_000;
export const AGENTS = [
  { agentUUID: "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e01", location: "eu-west" },
  { agentUUID: "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e02", location: "us-east" },
];
export const MARKUP = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`;

/** A site, and what is seen of it so many minutes ago. */
interface Sample {
  site: string;
  url: string;
  group: string;
  seen?: (minutesAgo: number) => Partial<ResultMessage>;
}

export const DOWN: Partial<ResultMessage> = {
  verdict: "down",
  reason: "status",
  responseCode: 503,
  evidence: {
    statusLine: "HTTP/1.1 503 Service Unavailable",
    headers: { server: "nginx" },
    body: "<h1>Sorry</h1>",
  },
};

export const SAMPLES: readonly Sample[] = [
  {
    site: "checkout",
    url: "https://shop.example/checkout",
    group: "shop",
    seen: (ago) => ago < 5 ? DOWN : {},
  },
  { site: "front page", url: "https://shop.example/", group: "shop" },
  { site: "api", url: "https://api.example/", group: "api" },
  {
    site: "admin",
    url: "https://admin.internal.example/secret-path",
    group: "internal",
    seen: (ago) => ago < 10 ? { ...DOWN, errorMessage: "secret reason" } : {},
  },
  {
    site: MARKUP,
    url: `https://hostile.example/${MARKUP.replaceAll(" ", "+")}`,
    group: MARKUP,
    seen: (ago) => ({
      ...ago < 3 && DOWN,
      ...ago < 3 && {
        reason: MARKUP,
        errorClass: MARKUP,
        errorMessage: MARKUP,
        evidence: { statusLine: MARKUP, headers: { [MARKUP]: MARKUP }, body: MARKUP },
      },
      tls: {
        version: MARKUP.slice(0, 30),
        cipher: MARKUP,
        verified: false,
        error: MARKUP,
        expiresAt: stamp(Date.now() + 5 * 86_400_000),
        fingerprint: fingerprint(7),
        chain: [{ ...certificate(7), subject: MARKUP, issuer: MARKUP, names: [MARKUP] }],
      },
      labels: { note: MARKUP },
    }),
  },
];

function stamp(ms: number): string {
  return formatTimestamp(BigInt(Math.floor(ms)) * 1000n);
}

/** A result of an agent of a sample, now. */
export function resultNow(site: string, changes: Partial<ResultMessage> = {}): ResultMessage[] {
  const sample = SAMPLES.find((one) => one.site === site)!;
  return AGENTS.map((agent, which) => resultOf(sample, agent, Date.now() - which, changes));
}

function resultOf(
  { site, url, group }: Sample,
  agent: typeof AGENTS[number],
  at: number,
  changes: Partial<ResultMessage>,
): ResultMessage {
  return {
    ts: stamp(at),
    ...agent,
    url,
    site,
    regexResult: null,
    responseCode: 200,
    responseTime: 20,
    errorMessage: null,
    verdict: "up",
    frequency: 60,
    phases: { dns: 1, connect: 2, tls: 3, firstByte: 10, download: 1 },
    remoteAddress: "192.0.2.1",
    siteLabels: { group },
    ...changes,
  };
}

/** What both agents saw of the samples in the last `minutes`. */
function* resultsUntil(now: number, minutes: number): Generator<ResultMessage> {
  for (let ago = minutes; ago >= 0; ago--) {
    for (const [n, sample] of SAMPLES.entries()) {
      for (const [which, agent] of AGENTS.entries()) {
        yield resultOf(sample, agent, now - ago * MINUTE_MS - n * 100 - which * 10, {
          responseTime: 20 + n * 10 + ago % 7,
          ...sample.seen?.(ago),
        });
      }
    }
  }
}

export interface World extends AsyncDisposable {
  database: OwnDatabase;
  app: Hono<Env>;
  deps: WebDeps;
  /** Stores more results, as a writer does. */
  store(messages: readonly ResultMessage[]): Promise<void>;
  /** By the site's name. */
  idOf(name: string): number;
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/**
 * Makes one for `await using`.
 *
 * @param web What the config says of it
 * @param minutes Of results; null: there is none
 */
export async function webWorld(
  web: Record<string, unknown> = {},
  minutes: number | null = 60,
): Promise<World> {
  const database = await ownDatabase({ max: 6 });
  const { pool } = database;
  const log = recordingLog();
  const store = new OwnStore(pool, { clock: systemClock, log });
  await store.readOffset(SOURCE);
  let position = 0;
  const add = async (messages: readonly ResultMessage[]) => {
    const batch = records(position, messages);
    const outcome = await store.storeBatch(SOURCE, batch, BigInt(position));
    position += batch.length;
    if (outcome.kind !== "stored") throw new Error(outcome.kind);
  };
  if (minutes !== null) await add([...resultsUntil(Date.now(), minutes)]);
  const config = loadedConfig("web", {
    web,
    database: { dsn: database.dsn },
    websites: Object.fromEntries(SAMPLES.map(({ site, url, group }) => [
      site,
      { url, labels: { group } },
    ])),
  });
  const sites = new CurrentSites({ pool, clock: systemClock, log });
  const history = new History({ pool, sites, clock: systemClock, log });
  await sites.load();
  await history.refresh();
  const deps: WebDeps = {
    pool,
    operator: pool,
    sites,
    history,
    config,
    fetch,
    clock: systemClock,
    log,
  };
  const app = createApp(deps);
  return {
    database,
    app,
    deps,
    store: add,
    idOf: (name) => [...sites.all()].find((site) => site.name === name)!.id,
    ask: async (path, init: RequestInit = {}) =>
      await app.request(path, {
        ...init,
        headers: { host: "localhost", accept: "text/html", ...init.headers },
      }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** An incident of a site, opened so many minutes ago. @returns Its id */
export async function addIncident(
  { database, idOf }: World,
  site: string,
  { ago = 4, closedAgo = null as number | null, cause = "status 503" } = {},
): Promise<string> {
  return String(
    await database.value(
      `INSERT INTO incidents (site_id, kind, severity, opened_at, closed_at, cause, locations, evidence)
     VALUES ($1, 'down', 'critical', now() - $2 * interval '1 minute',
       now() - $3 * interval '1 minute', $4, '{eu-west,us-east}', $5) RETURNING id`,
      [
        idOf(site),
        ago,
        closedAgo,
        cause,
        JSON.stringify([{
          agent: AGENTS[0]!.agentUUID,
          location: "eu-west",
          since: new Date(Date.now() - ago * MINUTE_MS).toISOString(),
          cause,
        }]),
      ],
    ),
  );
}
