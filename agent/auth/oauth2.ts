import type { z } from "zod";
import { checked, optional, strictMap, text } from "../../config/fields.ts";
import { checkUrl } from "../../config/site/urls.ts";
import { orAborted, within } from "../../runtime/abort.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type HttpError, httpError } from "../http/errors.ts";
import type { HttpRequest } from "../http/types.ts";
import { basicAuthorization } from "./basic.ts";
import { type AuthDeps, authKind, type TokenOutcome, type TokenSource } from "./kind.ts";

const schema = strictMap({
  token_url: checked("the URL that gives tokens", checkUrl),
  client_id: text("a client's id"),
  client_secret: text("a client's secret"),
  scope: optional(text("scopes, with spaces between")),
}).transform((given) => ({ kind: "oauth2" as const, ...given }));

/** How to get a token; without a scope, it is what the server gives by itself. */
type Credentials = z.output<typeof schema>;

/** OAuth 2.0 client credentials: RFC 6749, section 4.4. */
export const oauth2 = authKind({
  kind: "oauth2",
  title: "an OAuth2 access token",
  schema,
  secrets: ({ client_secret }) => [client_secret],
  authorization: (auth, { ask, clock }) => new AccessToken(auth, ask, clock),
});

/** A server that gave no token is not asked again within this. */
const RETRY_AFTER_MS = 5_000;

/** A token is renewed when a tenth of its life is left, or this if that is more (half at the most). */
const RENEW_BEFORE_MS = 30_000;

/** An answer is some kilobytes at the most. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** What a token's server grants. */
interface Grant {
  value: string;
  lifeMs: number;
}

interface Held extends Grant {
  /** When it was asked for, on both clocks. */
  monotonic: number;
  wall: number;
}

/**
 * An access token by OAuth2 client credentials (RFC 6749, 4.4; the client proves itself by HTTP Basic,
 * 2.3.1). It is asked for once, whoever needs it meanwhile; kept; and renewed ahead of its end, while
 * checks go on with the old one.
 */
export class AccessToken implements TokenSource {
  readonly #credentials: Credentials;
  readonly #askServer: AuthDeps["ask"];
  readonly #clock: Clock;
  #held: Held | null = null;
  #asking: Promise<TokenOutcome> | null = null;
  #failure: { error: HttpError; at: number } | null = null;

  constructor(credentials: Credentials, ask: AuthDeps["ask"], clock: Clock) {
    this.#credentials = credentials;
    this.#askServer = ask;
    this.#clock = clock;
  }

  /**
   * The token, at once where one is held; else waits for it. Never rejects.
   *
   * @param signal Ends the wait, not the request, for which others may wait
   */
  async get(limitMs: number, signal: AbortSignal): Promise<TokenOutcome> {
    const held = this.#held;
    if (held && this.#ageOf(held) < held.lifeMs) {
      if (this.#ageOf(held) >= renewalAge(held)) void this.#ask(limitMs);
      return { value: held.value };
    }
    const asking = this.#ask(limitMs);
    const inTime = await orAborted(within(this.#clock, limitMs, asking), signal);
    if (signal.aborted) return { error: httpError("aborted") };
    if (inTime) return await asking;
    return { error: httpError("no_token", "No answer within the site's timeout") };
  }

  /** Forgets the token, if it is still this one. */
  drop(value: string): void {
    if (this.#held?.value === value) this.#held = null;
  }

  /** A sleep of the machine shows on the wall clock alone, a clock set back on the monotonic one. */
  #ageOf({ monotonic, wall }: Held): number {
    return Math.max(this.#clock.monotonic() - monotonic, this.#clock.now() - wall);
  }

  #ask(limitMs: number): Promise<TokenOutcome> {
    const failure = this.#failure;
    if (failure && this.#clock.monotonic() - failure.at < RETRY_AFTER_MS) {
      return Promise.resolve({ error: failure.error });
    }
    return this.#asking ??= this.#request(limitMs).finally(() => this.#asking = null);
  }

  async #request(limitMs: number): Promise<TokenOutcome> {
    const [monotonic, wall] = [this.#clock.monotonic(), this.#clock.now()];
    const record = await this.#askServer(tokenRequest(this.#credentials), limitMs);
    const { error: failed, status, body } = record;
    const grant = failed ? `its server: ${failed.message}` : readGrant(status!, body);
    if (typeof grant === "string") {
      const error = httpError("no_token", grant);
      this.#failure = { error, at: this.#clock.monotonic() };
      return { error };
    }
    this.#failure = null;
    this.#held = { ...grant, monotonic, wall };
    return { value: grant.value };
  }
}

/** At what age a token is renewed. */
function renewalAge({ lifeMs }: Held): number {
  return lifeMs - Math.max(lifeMs / 10, Math.min(RENEW_BEFORE_MS, lifeMs / 2));
}

function tokenRequest(
  { token_url: url, client_id, client_secret, scope }: Credentials,
): HttpRequest {
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  if (scope !== null) form.set("scope", scope);
  const authorization = basicAuthorization(formEncode(client_id), formEncode(client_secret));
  return {
    url,
    method: "POST",
    headers: [
      ["Content-Type", "application/x-www-form-urlencoded"],
      ["Accept", "application/json"],
      ["Authorization", authorization],
    ],
    body: new TextEncoder().encode(form.toString()),
    readBodyBytes: MAX_ANSWER_BYTES,
    // The secret goes where the config says, and nowhere else.
    followRedirects: false,
  };
}

function formEncode(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}

/** Of a token that does not say: one that ends earlier is found by a 401. */
const DEFAULT_LIFE_MS = 5 * 60_000;

/** Longer is not believed, so that a change on the server is seen within a day. */
const MAX_LIFE_MS = 24 * 3_600_000;

/** RFC 6750, 2.1: what an Authorization header can carry. */
const TOKEN = /^[\w.~+/-]+=*$/;

/** RFC 6749, 5.2: "invalid_client" for one. */
const ERROR_CODE = /^[\w-]{1,60}$/;

/**
 * Reads the answer of a token's server (RFC 6749, 5.1 and 5.2).
 *
 * @returns The grant, or in words why there is none; the answer's own texts are not among them, but
 * for a code
 */
export function readGrant(status: number, body: Uint8Array): Grant | string {
  const answer = parse(body);
  if (status !== 200) {
    const code = typeof answer?.error === "string" && ERROR_CODE.test(answer.error);
    return `its server answered ${status}${code ? ` (${answer.error})` : ""}`;
  }
  if (answer === null) return "its server's answer is not a JSON object";
  const { access_token: value, token_type: type = "Bearer", expires_in: seconds } = answer;
  if (typeof value !== "string" || !TOKEN.test(value)) {
    return `its server's answer has no "access_token" that a header can carry`;
  }
  if (typeof type !== "string" || type.toLowerCase() !== "bearer") {
    return `its server's token is not of type "Bearer"`;
  }
  // A number, though some servers give it in quotes.
  const lifeMs = seconds === undefined || seconds === null
    ? DEFAULT_LIFE_MS
    : Number(seconds) * 1000;
  if (!(lifeMs > 0)) return `its server's answer has no "expires_in" over 0`;
  return { value, lifeMs: Math.min(lifeMs, MAX_LIFE_MS) };
}

function parse(body: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : null;
  } catch {
    return null;
  }
}
