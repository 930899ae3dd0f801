import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CertificatesSeen } from "../../agent/check/certificates_seen.ts";
import type { CheckDeps } from "../../agent/check/check.ts";
import type { Clients } from "../../agent/clients.ts";
import type { HttpClient, HttpRecord } from "../../agent/http/types.ts";
import { inspect, RegexCache } from "../../agent/inspect/inspect.ts";
import { Allowances } from "../../agent/condition/allowance.ts";
import { Limiter } from "../../agent/condition/limiter.ts";
import { MaintenanceCalendar } from "../../agent/check/maintenance.ts";
import { type SiteRules, toRules } from "../../agent/rules/index.ts";
import { SiteRequests } from "../../agent/check/site_requests.ts";
import type { AgentConfig, Config, Site, SiteRequest } from "../../config/types.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Runs `body` with a folder of its own, which is gone afterwards. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-test-"));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for `condition`, looked at every few milliseconds. @throws {Error} After `withinMs` */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 120_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lets `clock` go on, 50 ms at a time, until `condition` holds; threads have their own time meanwhile. */
export async function advanceUntil(
  clock: FakeClock,
  condition: () => boolean,
  what: string,
): Promise<void> {
  await until(async () => {
    if (!condition()) await clock.advance(50);
    return condition();
  }, what);
}

/** What a test says of a site; `rules` and `request` are laid over the defaults. */
export type SiteValues =
  & Partial<Omit<Site, "rules" | "request">>
  & { rules?: Partial<SiteRules>; request?: Partial<SiteRequest> };

/** A site with defaults. */
export function site({ rules = {}, request, ...values }: SiteValues = {}): Site {
  return {
    name: null,
    url: values.url ?? "http://site.test/",
    requestUrl: values.url ?? "http://site.test/",
    timeoutMs: 5_000,
    frequencyMs: 60_000,
    retries: { attempts: 1, delayMs: 5_000 },
    client: "timed",
    request: {
      method: "GET",
      headers: [],
      body: null,
      readBodyBytes: 1024 * 1024,
      followRedirects: true,
      maxRedirects: 10,
      cookies: false,
      httpVersion: "1.1",
      ipVersion: "auto",
      resolve: {},
      proxy: null,
      reuseConnection: false,
      tls: null,
      ...request,
    },
    auth: null,
    rules: toRules(rules),
    evidence: true,
    channels: null,
    alerting: { rules: {}, dependsOn: [], slo: null },
    maintenance: [],
    labels: {},
    secrets: [],
    ...values,
  };
}

export const UUID = "0b9f6c1e-5d3a-4c8e-9f57-2d1a6b7c8e90";

/** What a check needs, over one client in the place of both; what it inspects, it inspects at once. */
export function checkDeps(client: HttpClient, values: Partial<CheckDeps> = {}): CheckDeps {
  const clock = values.clock ?? new FakeClock();
  const all = values.clients ?? clients(client);
  const regexes = new RegexCache();
  return {
    clients: all,
    clock,
    agent: { agentUUID: UUID, location: null, labels: {} },
    timestamp: () => 1_767_225_600_000_007n,
    requests: new SiteRequests(all, clock),
    inspect: (inspection) => Promise.resolve({ ok: true, found: inspect(inspection, regexes) }),
    allowances: new Allowances(Infinity, new Limiter(100)),
    loop: { watch: () => () => 0 },
    network: { after: () => Promise.resolve({ networkLost: false, resolverLost: false }) },
    certificates: new CertificatesSeen(clock),
    maintenance: new MaintenanceCalendar(),
    ...values,
  };
}

/** A client that gives `record` at once. */
export function gives(record: HttpRecord): HttpClient {
  return () => Promise.resolve(record);
}

/** A client that ends when its signal aborts, as a client should. */
export function obeys(signals: AbortSignal[] = []): HttpClient {
  return (_, signal) => {
    signals.push(signal);
    return new Promise((resolve) =>
      signal.addEventListener("abort", () => {
        const timedOut = (signal.reason as DOMException).name === "TimeoutError";
        const error = { class: timedOut ? "timeout" : "aborted", message: "cut" } as const;
        resolve(response({ status: null, error }));
      })
    );
  };
}

/** One client in the place of both. */
export function clients(client: HttpClient): Clients {
  return { timed: client, fetch: client };
}

/** A full response. */
export function response(values: Partial<HttpRecord> & { text?: string } = {}): HttpRecord {
  const { text = "", ...rest } = values;
  return {
    status: 200,
    statusText: "OK",
    headers: [],
    httpVersion: "1.1",
    body: new TextEncoder().encode(text),
    bodyTruncated: false,
    error: null,
    ms: 12.5,
    hops: [],
    phases: null,
    remoteAddress: null,
    tls: null,
    ...rest,
  };
}

/** A config of an agent with its state in `stateDir`. */
export function agentConfig(
  stateDir: string,
  sites: readonly Site[],
  agent: Partial<AgentConfig> = {},
): Pick<Config, "sites" | "agent"> {
  return {
    sites,
    agent: {
      uuid: null,
      stateDir,
      maxConcurrentChecks: 100,
      controls: [],
      denyNetworks: null,
      location: null,
      labels: {},
      listen: null,
      metricsPerSite: false,
      outboxMaxBytes: 2 ** 30,
      outboxMaxAgeMs: 7 * 86_400_000,
      shutdownTimeoutMs: 5_000,
      ...agent,
    },
  };
}
