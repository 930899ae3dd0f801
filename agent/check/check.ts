import { type Site, siteId } from "../../config/types.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Evidence, ResultMessage } from "../../wire/message.ts";
import { askWithin, failedRecord, MAX_TIMER_MS } from "./ask_within.ts";
import type { CertificatesSeen } from "./certificates_seen.ts";
import type { Clients } from "../clients.ts";
import { evidenceOf } from "../evidence/evidence.ts";
import { hideInMessage, scrub, secretsOf } from "../evidence/scrub.ts";
import type { Allowances } from "../condition/allowance.ts";
import type { HttpRecord, HttpRequest } from "../http/types.ts";
import type { Inspection, InspectionOutcome } from "../inspect/inspection.ts";
import { judge, type Judgement } from "./judge.ts";
import type { LoopWatch } from "../condition/loop_watch.ts";
import type { MaintenanceCalendar } from "./maintenance.ts";
import type { Network } from "../condition/network.ts";
import { type AgentIdentity, toMessage } from "./result.ts";
import { applyRules, type Inspected, inspectionFor, type RuleOutcome } from "../rules/index.ts";
import type { Turn } from "../due_times.ts";
import type { SiteRequests } from "./site_requests.ts";

/** What a check needs, handed in. */
export interface CheckDeps {
  clients: Clients;
  clock: Clock;
  agent: AgentIdentity;
  /** The site's next timestamp, microseconds since 1970; see Timestamps. */
  timestamp: (siteId: string) => bigint;
  requests: SiteRequests;
  allowances: Pick<Allowances, "open">;
  /** Finds what the rules ask of the texts; see Inspector. */
  inspect: (inspection: Inspection, limitMs: number) => Promise<InspectionOutcome>;
  loop: Pick<LoopWatch, "watch">;
  network: Pick<Network, "after">;
  certificates: CertificatesSeen;
  maintenance: MaintenanceCalendar;
  /** Told of an inspection that failed, which the message has no place for: a full response came. */
  onInspectionFailed?: (site: Site, error: string) => void;
}

/** The turn of a check that a person asks for. */
export const AT_ONCE: Pick<Turn, "lateMs" | "leftMs" | "slots"> = {
  lateMs: 0,
  leftMs: Infinity,
  slots: () => 1,
};

/** What one try saw, and what that says of the site. */
interface Tried {
  /** Credentials included. */
  request: HttpRequest;
  record: HttpRecord;
  judgement: Judgement;
  /** How the response did by each rule; empty where no full response came, or none could be looked at. */
  outcomes: readonly RuleOutcome[];
  loopDelayMs: number;
}

/** A check's result, and what it was made of. */
export type Checked = { message: ResultMessage } & Tried;

/** An inspection has at least this, however little of the site's timeout the response has left. */
const MIN_INSPECTION_MS = 2_000;

/**
 * Makes one check of `site`, tried again where its `retries` say so and the next is not due yet. The
 * site's timeout covers all of an exchange, its body included; a wait for an access token comes before.
 *
 * @param signal Aborts the check
 * @returns The result of the last try, a fresh value each time, or null where `signal` cut the first
 * short. Never rejects for what a site or the client does
 */
export async function check(
  site: Site,
  signal: AbortSignal,
  deps: CheckDeps,
  turn: typeof AT_ONCE = AT_ONCE,
): Promise<Checked | null> {
  if (signal.aborted) return null;
  const ts = deps.timestamp(siteId(site));
  const scheduledAt = ts - BigInt(Math.round(turn.lateMs * 1_000));
  const first = await tryOnce(site, signal, deps);
  if (first === null) return null;
  let [last, attempts] = [first, 1];
  const { retries } = site;
  while (last.judgement.verdict === "down" && attempts < retries.attempts) {
    if (retries.delayMs >= turn.leftMs) break;
    await sleep(deps.clock, retries.delayMs, signal);
    const next = await tryOnce(site, signal, deps);
    if (next === null) break;
    [last, attempts] = [next, attempts + 1];
  }

  const { request, record, judgement, outcomes } = last;
  const secrets = () => secretsOf(site, request);
  const isBad = judgement.verdict === "down" || judgement.verdict === "degraded";
  const evidence: Evidence | null = isBad && site.evidence ? evidenceOf(record, secrets()) : null;
  const message = toMessage(deps.agent, {
    site,
    ts,
    scheduledAt,
    slots: turn.slots(last.loopDelayMs),
    attempts,
    firstReason: first.judgement.reason,
    loopDelayMs: last.loopDelayMs,
    record,
    judgement,
    regexResult: regexResultOf(outcomes),
    isMaintenance: deps.maintenance.isOn(site.maintenance, Number(ts / 1_000n)),
    evidence,
    withChain: deps.certificates.isDue(site, record.tls?.chain ?? []),
    scrub: (text) => scrub(text, secrets()),
  });
  return { message: hideInMessage(message, site.secrets), ...last };
}

/** The result that stands for due times which the agent did not come to. @param ts Of the first */
export function missedResult(
  site: Site,
  ts: bigint,
  slots: number,
  { agent, maintenance }: Pick<CheckDeps, "agent" | "maintenance">,
): ResultMessage {
  return toMessage(agent, {
    site,
    ts,
    scheduledAt: ts,
    slots,
    record: failedRecord(null, 0),
    judgement: judge(null, [], { loopDelayMs: 0, networkLost: false, resolverLost: false }),
    isMaintenance: maintenance.isOn(site.maintenance, Number(ts / 1_000n)),
    scrub: (text) => text,
  });
}

/** Null where `signal` cut it short. */
async function tryOnce(site: Site, signal: AbortSignal, deps: CheckDeps): Promise<Tried | null> {
  const prepared = await deps.requests.prepare(site, signal);
  const endWatch = deps.loop.watch();
  const allowance = deps.allowances.open();
  try {
    const start = deps.clock.monotonic();
    const request: HttpRequest = "error" in prepared ? { url: site.requestUrl } : prepared.request;
    const record = "error" in prepared ? failedRecord(prepared.error, 0) : await askWithin(
      deps.clients[site.client],
      { ...request, allowance },
      site.timeoutMs,
      signal,
      deps.clock,
    );
    const loopDelayMs = endWatch();
    if (record.error && signal.aborted) return null;
    if (record.status === 401) deps.requests.refused(site, request);

    const inspected = record.error ? null : await inspect(site, record, start, deps);
    if (inspected === "failed" && signal.aborted) return null;
    const outcomes = record.error || inspected === "failed"
      ? []
      : applyRules(site.rules, record, inspected, deps.clock.now());
    const isProxied = Boolean(request.proxy);
    const network = await deps.network.after(site.requestUrl, record, isProxied, start, signal);
    if (record.error && signal.aborted) return null;
    const judgement = judge(
      { error: record.error, inspected: inspected !== "failed", timeoutMs: site.timeoutMs },
      outcomes,
      { loopDelayMs, ...network },
    );
    return { request, record, judgement, outcomes, loopDelayMs };
  } finally {
    allowance.close();
  }
}

/** What the rules ask of the texts; null where they ask nothing. */
async function inspect(
  site: Site,
  record: HttpRecord,
  start: number,
  deps: CheckDeps,
): Promise<Inspected | null | "failed"> {
  const inspection = inspectionFor(site.rules, record);
  if (!inspection) return null;
  const left = site.timeoutMs - (deps.clock.monotonic() - start);
  const limitMs = Math.min(Math.max(left, MIN_INSPECTION_MS), MAX_TIMER_MS);
  const outcome = await deps.inspect(inspection, limitMs);
  if (outcome.ok) return { inspection, found: outcome.found };
  deps.onInspectionFailed?.(site, outcome.error);
  return "failed";
}

/** The contract's: whether all of `regex` matched; null where there is none, or no body came. */
function regexResultOf(outcomes: readonly RuleOutcome[]): boolean | null {
  const ofRegex = outcomes.filter(({ rule }) => rule === "regex");
  return ofRegex.length === 0 ? null : ofRegex.every(({ ok }) => ok);
}
