import { orAborted, within } from "../../runtime/abort.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type HttpError, httpError } from "../http/errors.ts";
import type { HttpRecord, HttpRequest } from "../http/types.ts";
import { basicAuthorization } from "./basic.ts";
import { readGrant } from "./grant.ts";
import type { AuthDeps, TokenOutcome, TokenSource } from "./kind.ts";

/** How to get a token. */
export interface ClientCredentials {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  /** Null: what the server gives by itself. */
  scope: string | null;
}

/** A server that gave no token is not asked again within this. */
const RETRY_AFTER_MS = 5_000;

/** A token is renewed when a tenth of its life is left, or this if that is more (half at the most). */
const RENEW_BEFORE_MS = 30_000;

/** An answer is some kilobytes at the most. */
const MAX_ANSWER_BYTES = 64 * 1024;

interface Held {
  value: string;
  lifeMs: number;
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
  readonly #credentials: ClientCredentials;
  readonly #askServer: AuthDeps["ask"];
  readonly #clock: Clock;
  #held: Held | null = null;
  #asking: Promise<TokenOutcome> | null = null;
  #failure: { error: HttpError; at: number } | null = null;

  constructor(credentials: ClientCredentials, ask: AuthDeps["ask"], clock: Clock) {
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
    const grant = grantOf(record);
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

function tokenRequest({ tokenUrl, clientId, clientSecret, scope }: ClientCredentials): HttpRequest {
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  if (scope !== null) form.set("scope", scope);
  const authorization = basicAuthorization(formEncode(clientId), formEncode(clientSecret));
  return {
    url: tokenUrl,
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

/** The token that was granted, or in words why there is none. */
function grantOf(record: HttpRecord): { value: string; lifeMs: number } | string {
  if (record.error) return `its server: ${record.error.message}`;
  return readGrant(record.status!, record.body);
}
