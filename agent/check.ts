import { type Site, siteId } from "../config/types.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Evidence, ResultMessage } from "../wire/message.ts";
import type { SiteRequests } from "./auth/requests.ts";
import type { CertificatesSeen } from "./certificates_seen.ts";
import type { Clients } from "./clients.ts";
import { evidenceOf } from "./evidence/evidence.ts";
import { scrub } from "./evidence/scrub.ts";
import { secretsOf } from "./evidence/secrets.ts";
import { exchangeWithin, failedRecord, MAX_TIMER_MS } from "./exchange.ts";
import { httpError } from "./http/errors.ts";
import type { HttpError, HttpRecord, HttpRequest } from "./http/types.ts";
import type { Inspection, InspectionOutcome } from "./inspect/inspection.ts";
import type { MaintenanceCalendar } from "./maintenance.ts";
import { type AgentIdentity, toMessage } from "./result.ts";
import { applyRules, type Inspected } from "./rules/apply.ts";
import { judge } from "./rules/judge.ts";
import type { RuleOutcome } from "./rules/outcome.ts";
import { inspectionFor } from "./rules/searches.ts";

/** What a check needs, handed in. */
export interface CheckDeps {
  clients: Clients;
  clock: Clock;
  agent: AgentIdentity;
  /** The site's next timestamp, microseconds since 1970; see Timestamps. */
  timestamp: (siteId: string) => bigint;
  requests: SiteRequests;
  /** Finds what the rules ask of the texts; see Inspector. */
  inspect: (inspection: Inspection, limitMs: number) => Promise<InspectionOutcome>;
  /** The length of a stall of the agent itself since a monotonic time, or null; see StallDetector. */
  stallSince: (start: number) => number | null;
  certificates: CertificatesSeen;
  maintenance: MaintenanceCalendar;
  /** Told of an inspection that failed, which the message has no place for: a full response came. */
  onInspectionFailed?: (site: Site, error: string) => void;
}

/** A check's result, and what it was made of. */
export interface Checked {
  message: ResultMessage;
  record: HttpRecord;
  /** How the response did by each rule; empty where no full response came, or none could be looked at. */
  outcomes: readonly RuleOutcome[];
}

/** An inspection has at least this, however little of the site's timeout the response has left. */
const MIN_INSPECTION_MS = 2_000;

/**
 * Makes one check of `site`. The site's timeout covers all of the exchange, its body included; a wait
 * for an access token comes before it.
 *
 * @param signal Aborts the check
 * @param lateMs How long after its time the check begins
 * @returns The result, a fresh value each time, or null where `signal` cut the check short. Never
 * rejects for what a site or the client does
 */
export async function check(
  site: Site,
  signal: AbortSignal,
  deps: CheckDeps,
  lateMs = 0,
): Promise<Checked | null> {
  if (signal.aborted) return null;
  const ts = deps.timestamp(siteId(site));
  const { request, record, start } = await exchange(site, signal, deps);
  if (record.error && signal.aborted) return null;

  const inspected = record.error ? null : await inspect(site, record, start, deps);
  if (inspected === "failed" && signal.aborted) return null;
  const failure = inspected === "failed" ? httpError("local_error") : record.error;
  const outcomes = failure || inspected === "failed"
    ? []
    : applyRules(site.rules, record, inspected, deps.clock.now());
  const judgement = judge(failure, outcomes);

  const secrets = () => secretsOf(site, request);
  const isBad = judgement.verdict === "down" || judgement.verdict === "degraded";
  const evidence: Evidence | null = isBad && site.evidence ? evidenceOf(record, secrets()) : null;
  const message = toMessage(deps.agent, {
    site,
    ts,
    scheduledAt: ts - BigInt(Math.round(lateMs * 1_000)),
    record,
    judgement,
    regexResult: regexResultOf(outcomes),
    errorClass: failure?.class ?? null,
    isMaintenance: deps.maintenance.isOn(site.maintenance, Number(ts / 1_000n)),
    evidence,
    withChain: deps.certificates.isDue(site, record.tls?.chain ?? []),
    scrub: (text) => scrub(text, secrets()),
  });
  return { message, record, outcomes };
}

/** Makes the exchange; a failure is the agent's own where the agent stood still meanwhile. */
async function exchange(
  site: Site,
  signal: AbortSignal,
  deps: CheckDeps,
): Promise<{ request: HttpRequest; record: HttpRecord; start: number }> {
  const prepared = await deps.requests.prepare(site, signal);
  const start = deps.clock.monotonic();
  if ("error" in prepared) {
    return { request: { url: site.url }, record: failedRecord(prepared.error, 0), start };
  }
  const { request } = prepared;
  const client = deps.clients[site.client];
  const record = await exchangeWithin(client, request, site.timeoutMs, signal, deps.clock);
  if (record.status === 401) deps.requests.refused(site, request);
  const { error } = record;
  if (!error || error.class.startsWith("local_")) return { request, record, start };
  return { request, record: { ...record, error: blameStall(error, start, deps) }, start };
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
  if (outcome.ok) return { inspection, findings: outcome.findings };
  deps.onInspectionFailed?.(site, outcome.error);
  return "failed";
}

/** The contract's: whether all of `regex` matched; null where there is none, or no body came. */
function regexResultOf(outcomes: readonly RuleOutcome[]): boolean | null {
  const ofRegex = outcomes.filter(({ rule }) => rule === "regex");
  return ofRegex.length === 0 ? null : ofRegex.every(({ ok }) => ok);
}

/** The failure, or where the agent itself stood still meanwhile, that as its cause. */
function blameStall(error: HttpError, start: number, deps: CheckDeps): HttpError {
  const stallMs = deps.stallSince(start);
  if (stallMs === null) return error;
  const seconds = (stallMs / 1_000).toFixed(1);
  return httpError("local_stall", `for ${seconds} s; then "${error.class}"`);
}
