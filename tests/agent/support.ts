import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HttpRecord } from "../../agent/http/types.ts";
import type { AgentConfig, Config, Site } from "../../config/types.ts";

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
  withinMs = 30_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A site with defaults. */
export function site(values: Partial<Site> = {}): Site {
  return {
    name: null,
    url: "http://site.test/",
    validStatusCodes: [200],
    regex: null,
    timeoutMs: 5_000,
    frequencyMs: 60_000,
    ...values,
  };
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
      outboxMaxBytes: 2 ** 30,
      outboxMaxAgeMs: 7 * 86_400_000,
      shutdownTimeoutMs: 5_000,
      ...agent,
    },
  };
}
