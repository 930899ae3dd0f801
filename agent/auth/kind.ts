import type { z } from "zod";
import type { Clock } from "../../runtime/clock.ts";
import type { HttpError } from "../http/errors.ts";
import type { HttpRecord, HttpRequest } from "../http/types.ts";

/**
 * A kind of credentials for sites, with all that belongs to it. A kind is one of these, and one line
 * in index.ts.
 */
export interface AuthKind<Kind extends string, Auth extends { kind: Kind }> {
  /** The key under `auth:` in the YAML. */
  kind: Kind;
  /** Checks what stands there, and makes it what a site is given. */
  schema: z.ZodType<Auth>;
  /** For a person: "a bearer token". */
  title: string;
  /** What may never be shown, wherever it turns up. */
  secrets: (auth: Auth) => string[];
  /** The value of the Authorization header, or where each check gets it from. */
  authorization: (auth: Auth, deps: AuthDeps) => string | TokenSource;
}

/** What credentials that are fetched need. */
export interface AuthDeps {
  clock: Clock;
  /** Asks another server than the site's, in the way that the site is asked. Never rejects. */
  ask: (request: HttpRequest, limitMs: number) => Promise<HttpRecord>;
}

/** A token for the Authorization header, or why there is none: class `no_token`. */
export type TokenOutcome = { value: string } | { error: HttpError };

/** Gives tokens that change, of the scheme "Bearer". */
export interface TokenSource {
  /** Waits for so long at most, or until `signal` aborts. Never rejects. */
  get(limitMs: number, signal: AbortSignal): Promise<TokenOutcome>;
  /** Told of a token that the site refused. */
  drop(token: string): void;
}

/** Checks the types of a kind, and keeps that of its name. */
export function authKind<const Kind extends string, Auth extends { kind: Kind }>(
  kind: AuthKind<Kind, Auth>,
): AuthKind<Kind, Auth> {
  return kind;
}
