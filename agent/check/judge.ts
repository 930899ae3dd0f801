import type { Verdict } from "../../wire/message.ts";
import { type FailureClass, FAILURES, type HttpError } from "../http/errors.ts";
import { type RuleOutcome, verdictOfFailure } from "../rules/index.ts";

/** What a check found out. */
export interface Facts {
  /** Null: a full response came. */
  error: HttpError | null;
  /** Whether the rules could be asked of the response. */
  inspected: boolean;
  /** The site's. */
  timeoutMs: number;
}

/** How the agent itself did while it checked. */
export interface AgentState {
  /** The longest that its event loop stood still, milliseconds. */
  loopDelayMs: number;
  /** Whether nothing at all can be reached from here. */
  networkLost: boolean;
  /** Whether its resolver knows no name, or was silent meanwhile. */
  resolverLost: boolean;
}

/** Whose a failure is. */
export type Whose = "site" | "network" | "proxy" | "agent";

/** What a check says of its site. */
export interface Judgement {
  verdict: Verdict;
  /** The rule or the error class that decided; null when up. */
  reason: string | null;
  /** Null when up. */
  whose: Whose | null;
  errorClass: ErrorClass | null;
  /** For a person; null where a full response came. */
  errorMessage: string | null;
}

/** Trouble of the monitor's own, and whose: the verdict is unknown. */
const OWN = {
  local_descriptors: "agent",
  local_memory: "agent",
  local_permission: "agent",
  local_network: "network",
  local_resolver: "agent",
  local_proxy: "proxy",
  local_stall: "agent",
  local_late: "agent",
  local_auth: "agent",
  local_error: "agent",
} as const satisfies Record<string, Whose>;

type OwnClass = keyof typeof OWN;

/** What failed is the machine's, wherever it was going. */
const OF_MACHINE = {
  no_descriptors: "local_descriptors",
  no_memory: "local_memory",
  no_permission: "local_permission",
  no_route: "local_network",
  resolver_silent: "local_resolver",
} as const satisfies Partial<Record<FailureClass, OwnClass>>;

/** Nothing was asked of the site. */
const OF_REQUEST = {
  no_token: "local_auth",
  not_made: "local_error",
} as const satisfies Partial<Record<FailureClass, OwnClass>>;

type SiteClass = Exclude<FailureClass, keyof typeof OF_MACHINE | keyof typeof OF_REQUEST>;

/** The class of what went wrong, as a result names it. */
export type ErrorClass = SiteClass | OwnClass;

/** Every one, in the order of docs/error-classes.md. */
export const ERROR_CLASSES: readonly ErrorClass[] = [
  ...FAILURES.filter((failure): failure is SiteClass =>
    !(failure in OF_MACHINE || failure in OF_REQUEST)
  ),
  ...Object.keys(OWN) as OwnClass[],
];

/** Failures that a network which is away can cause. */
export const BY_LOST_NETWORK: ReadonlySet<FailureClass> = new Set<FailureClass>([
  "timeout",
  "dns_not_found",
  "dns_failed",
  "connection_refused",
  "connection_reset",
  "connection_timeout",
  "connection_failed",
  "unreachable",
]);

/** Failures that an agent which stands still can cause: it, or the other side, loses patience. */
const BY_STALL: ReadonlySet<FailureClass> = new Set<FailureClass>([
  "timeout",
  "dns_failed",
  "connection_reset",
  "connection_timeout",
  "connection_failed",
  "tls_failed",
  "body_aborted",
]);

/** A stall of this share of the site's timeout may have caused a failure. */
const STALLED_SHARE = 0.1;

/**
 * Says how a site is and, where it is not up, whose fault that is. The one place that does.
 *
 * Trouble of the machine comes first, then the proxy's, then what a stall or a lost network explains;
 * what is left is the site's. Of the rules, the first that fails decides: a later one never hides its
 * reason.
 *
 * @param facts Null where no check was made, as the agent did not come to it
 * @param outcomes Of the site's rules, in the order in which they decide
 */
export function judge(
  facts: Facts | null,
  outcomes: readonly RuleOutcome[],
  state: AgentState,
): Judgement {
  if (facts === null) return own("local_late", "This agent did not come to the check in its time");
  const { error } = facts;
  if (error) return judgeError(error, facts.timeoutMs, state);
  if (!facts.inspected) return own("local_error", null);

  const failed = outcomes.filter(({ ok }) => !ok);
  const isByStall = ({ overMs }: RuleOutcome) =>
    overMs !== undefined && overMs <= state.loopDelayMs;
  const first =
    failed.find((outcome) => !isByStall(outcome) && verdictOfFailure(outcome.rule) === "down") ??
      failed[0];
  if (!first) {
    return { verdict: "up", reason: null, whose: null, errorClass: null, errorMessage: null };
  }
  if (isByStall(first)) return own("local_stall", null);
  const verdict = verdictOfFailure(first.rule);
  // A rule that saw the start of a body alone is another reason: "read_body_bytes" may be to blame.
  const reason = first.isCut ? `${first.rule} (body cut)` : first.rule;
  return { verdict, reason, whose: "site", errorClass: null, errorMessage: null };
}

function judgeError(error: HttpError, timeoutMs: number, state: AgentState): Judgement {
  const { class: failure, message } = error;
  if (isIn(OF_MACHINE, failure)) return own(OF_MACHINE[failure], message);
  if (error.atProxy) return own("local_proxy", `The proxy does not serve this agent: ${message}`);
  if (isIn(OF_REQUEST, failure)) return own(OF_REQUEST[failure], message);

  if (BY_STALL.has(failure) && state.loopDelayMs >= STALLED_SHARE * timeoutMs) {
    const seconds = (state.loopDelayMs / 1_000).toFixed(1);
    return own("local_stall", `This agent was stalled: for ${seconds} s; then "${failure}"`);
  }
  if (state.resolverLost && (failure === "dns_failed" || error.atLookup)) {
    return own("local_resolver", `This machine's resolver fails: ${message}`);
  }
  if (state.networkLost && BY_LOST_NETWORK.has(failure)) {
    return own("local_network", `This machine has no network: ${message}`);
  }
  return {
    verdict: "down",
    reason: failure,
    whose: "site",
    errorClass: failure,
    errorMessage: message,
  };
}

function own(errorClass: OwnClass, errorMessage: string | null): Judgement {
  return {
    verdict: "unknown",
    reason: errorClass,
    whose: OWN[errorClass],
    errorClass,
    errorMessage,
  };
}

function isIn<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return key in table;
}
