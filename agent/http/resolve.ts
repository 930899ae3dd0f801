import dns from "node:dns";
import { isIP } from "node:net";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import type { Clock } from "../../runtime/clock.ts";
import { classifyError } from "./classify.ts";
import type { WholeRequest } from "./types.ts";
import { ExchangeFailure, failure } from "./errors.ts";
import type { Steps } from "./steps.ts";

/** Where to connect to. */
export interface Address {
  address: string;
  family: number;
}

/** What is asked of the resolver; `node:dns` has it. */
export interface Resolver {
  lookup(
    host: string,
    options: { all: true; order: "verbatim"; family: number },
    callback: (error: Error | null, addresses: Address[]) => void,
  ): void;
  /** Whether it has an answer for the root of the tree of names just now. Never rejects. */
  answersForRoot(): Promise<boolean>;
}

/** How long the resolver has for an answer about the root. */
const ROOT_TIMEOUT_MS = 1_000;

/** The machine's resolver: getaddrinfo, so that /etc/hosts and nsswitch count as they do elsewhere. */
export const systemResolver: Resolver = {
  lookup: (host, options, callback) => dns.lookup(host, options, callback),
  // "Temporary failure in name resolution" (EAI_AGAIN) may mean that the resolver is away or has lost
  // its network, or that the servers of the one name are broken: a resolver that answers this is well.
  answersForRoot: () =>
    new dns.promises.Resolver({ timeout: ROOT_TIMEOUT_MS, tries: 1 }).resolveNs(".")
      .then((names) => names.length > 0, () => false),
};

/** A lookup that takes longer makes us wonder whether the resolver is there at all. */
const SLOW_LOOKUP_MS = 250;

/**
 * The host's addresses (itself, where it is one), in the order to try them: as the resolver gives them
 * (RFC 6724), the families taking turns (RFC 8305, 4).
 *
 * @throws ExchangeFailure `dns_...` or `no_...`; `timeout` only where the resolver is well, or there
 * was no time to ask
 */
export async function resolveHost(
  host: string,
  version: WholeRequest["ipVersion"],
  resolver: Resolver,
  clock: Clock,
  steps: Steps,
): Promise<Address[]> {
  const given = isIP(host);
  if (given !== 0) return [{ address: host, family: given }];
  const family = version === "auto" ? 0 : Number(version);
  let isSilent = false;
  const wonder = () => {
    isSilent = true;
    void resolver.answersForRoot().then((answers) => isSilent = !answers);
  };
  const looking = steps.run<Address[] | Error>("resolving the host name", (resolve) => {
    resolver.lookup(
      host,
      { all: true, order: "verbatim", family },
      (error, found) => resolve(error ?? found),
    );
    // A lookup cannot be cancelled: its answer is ignored.
    return clock.after(SLOW_LOOKUP_MS, wonder);
  });
  const result = await looking.catch((error: ExchangeFailure) => {
    if (error.error.class !== "timeout") throw error;
    throw isSilent
      ? failure("resolver_silent")
      : new ExchangeFailure({ ...error.error, atLookup: true });
  });
  if (result instanceof Error) throw await explain(result, resolver, steps);
  if (result.length === 0) throw failure("dns_not_found", "The name has no address");
  return interleave(result);
}

/** Says whose fault a failed lookup is; see docs/error-classes.md. */
async function explain(error: Error, resolver: Resolver, steps: Steps): Promise<ExchangeFailure> {
  const { class: errorClass, message } = classifyError(error);
  // Deno reports a lookup that had no descriptor left as a name that does not exist.
  if (errorClass === "dns_not_found" && outOfDescriptors()) {
    return failure("no_descriptors", "The name could not be looked up");
  }
  if (errorClass !== "resolver_silent") return new ExchangeFailure({ class: errorClass, message });
  const answers = await steps.run<boolean>("asking the resolver for the root", (resolve) => {
    void resolver.answersForRoot().then(resolve);
    return () => {};
  }).catch((error: ExchangeFailure) => {
    if (error.error.class === "timeout") return false;
    throw error;
  });
  return answers
    ? failure("dns_failed", "The servers of the name do not answer, or not properly")
    : failure("resolver_silent");
}

function outOfDescriptors(): boolean {
  try {
    closeSync(openSync(devNull, "r"));
    return false;
  } catch (error) {
    return classifyError(error).class === "no_descriptors";
  }
}

/** The families in turn, each in its own order, the first one's family first. */
export function interleave(addresses: readonly Address[]): Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  const ordered: Address[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (first[i]) ordered.push(first[i]!);
    if (second[i]) ordered.push(second[i]!);
  }
  return ordered;
}
