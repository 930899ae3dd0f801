/**
 * The most that a message may hold of what comes in numbers; a reader refuses more as `bad_value`.
 * Who makes messages cuts what a site sends to fit: a result is never to be lost to what is in it.
 */
export const LIMITS = {
  /** Characters of any text. */
  text: 8_192,
  /** Of the agent, and as many of the site. */
  labels: 64,
  redirects: 50,
  /** Certificates of a chain. */
  chain: 20,
  /** Names of a certificate. */
  names: 1_000,
  evidenceHeaders: 64,
} as const;
