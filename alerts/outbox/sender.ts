import type { Pool } from "pg";
import { type Channel, kindOf } from "../channels/index.ts";
import { SendError } from "../channels/kind.ts";
import { adviceFor } from "../../db/connect/advice.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { type RetryDeps, retryUntil } from "../../runtime/retry.ts";
import { BATCH, claim, type ClaimOptions, type Leased } from "./claim.ts";
import { compose } from "./compose.ts";
import { settleFailed, settleSent } from "./settle.ts";
import type { SenderStats } from "./stats.ts";

const POLL_MS = 1_000;
export const TIMEOUT_MS = 10_000;
const FIRST_WAIT_MS = 1_000;

/** What sending is handed. */
export interface SenderDeps
  extends Pick<ClaimOptions, "groupWaitMs" | "sitesAt">, Pick<RetryDeps, "spell"> {
  pool: Pool;
  channels: Readonly<Record<string, Channel>>;
  /** Of the dashboard; null: there is none. */
  link: string | null;
  fetch: typeof globalThis.fetch;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  stats: SenderStats;
  /** @default 10,000 */
  timeoutMs?: number;
  /** Before the second try of a channel; it doubles from there up to half a minute. @default 1,000 */
  firstWaitMs?: number;
}

/** Sends what is owed until `signal` aborts; each channel by itself, so that none waits for another. */
export async function sendNotifications(deps: SenderDeps): Promise<void> {
  await Promise.all(Object.keys(deps.channels).map((channel) => sendChannel(channel, deps)));
}

async function sendChannel(name: string, deps: SenderDeps): Promise<void> {
  const { pool, channels, clock, signal } = deps;
  const { most, hasThreads } = kindOf(channels[name]!);
  const tries = { ...deps, advise: adviceFor };
  await retryUntil(
    "Sending notifications",
    () => pool.query("INSERT INTO channels (name) VALUES ($1) ON CONFLICT DO NOTHING", [name]),
    tries,
  );
  while (!signal.aborted) {
    const sent = await retryUntil("Sending notifications", async () => {
      const leased = await claim(pool, name, { ...deps, most, hasThreads });
      await Promise.all(leased.map((each) => send(name, each, deps)));
      return leased.length;
    }, tries);
    if (sent?.value !== BATCH) await sleep(clock, POLL_MS, signal);
  }
}

async function send(name: string, leased: Leased, deps: SenderDeps): Promise<void> {
  const { pool, channels, link, fetch, log, stats, timeoutMs = TIMEOUT_MS } = deps;
  const channel = channels[name]!;
  const kind = kindOf(channel);
  try {
    if (!kind.ignores?.includes(leased.event)) {
      const { message, nowMs } = await compose(pool, leased, link);
      await kind.send(message, channel, { fetch, nowMs, timeoutMs });
    }
  } catch (cause) {
    if (!(cause instanceof SendError)) throw cause;
    stats.failures[name]!++;
    const reason = cause.message;
    const { firstWaitMs = FIRST_WAIT_MS } = deps;
    const isFirst = await settleFailed(pool, name, leased, cause, { reason, firstWaitMs });
    const { key: notification, attempts } = leased;
    // Once at ERROR: a receiver may be away for long.
    log[isFirst ? "error" : "warn"](
      { channel: name, notification, attempts, reason },
      "A notification was not taken, trying again",
    );
    return;
  }
  stats.sent[name]!++;
  const since = await settleSent(pool, name, leased);
  if (since) log.notice({ channel: name, since }, "The channel takes notifications again");
}
