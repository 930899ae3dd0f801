import dns from "node:dns";

/** How long the resolver has for an answer. */
const TIMEOUT_MS = 1_000;

/** Whether this machine's resolver has an answer for the root of the tree of names just now. */
export type RootQuestion = () => Promise<boolean>;

/**
 * Asks for the root's name servers. "Temporary failure in name resolution" (EAI_AGAIN) may mean that
 * the resolver is away or has lost its network, which is trouble of our own, or that the servers of
 * the one name are broken, which is the site's: a resolver that answers this is not to blame.
 */
export const askForRoot: RootQuestion = () =>
  new Promise((resolve) => {
    const resolver = new dns.Resolver({ timeout: TIMEOUT_MS, tries: 1 });
    resolver.resolveNs(".", (error, names) => resolve(!error && names.length > 0));
  });
