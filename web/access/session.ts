import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";

/** Who a cookie is of. */
export interface Session {
  /** Random; no two are alike. */
  id: string;
  /** Null: nobody has logged in. */
  user: string | null;
  /** Milliseconds since 1970. */
  until: number;
}

/** A week: whoever is on call logs in once for it. */
export const SESSION_MS = 7 * 24 * 3_600_000;

/**
 * Sessions that are in their signed cookies alone, so that nothing is kept for them and any instance
 * with the same key knows them. A session ends with its user's password, which is a part of the key.
 */
export class Sessions {
  readonly #key: Uint8Array | string;
  readonly #clock: Clock;
  readonly #passwordOf: (user: string) => string | null;

  /** @param passwordOf The hash in the config; null: no such user */
  constructor(
    key: Uint8Array | string,
    clock: Clock,
    passwordOf: (user: string) => string | null,
  ) {
    this.#key = key;
    this.#clock = clock;
    this.#passwordOf = passwordOf;
  }

  start(user: string | null): Session {
    const id = randomBytes(18).toString("base64url");
    return { id, user, until: this.#clock.now() + SESSION_MS };
  }

  /** What is put into the cookie. */
  sign(session: Session): string {
    const { id, user, until } = session;
    const text = Buffer.from(JSON.stringify([id, user, until])).toString("base64url");
    return `${text}.${this.#mac(text, this.#secretOf(user))}`;
  }

  /** Null for what was not signed here, is over, or of a user who is no more or has another password. */
  read(cookie: string | undefined): Session | null {
    const [text, mac] = cookie?.split(".") ?? [];
    if (!text || !mac || cookie!.length > 1_000) return null;
    let fields: unknown;
    try {
      fields = JSON.parse(Buffer.from(text, "base64url").toString());
    } catch {
      return null;
    }
    const [id, user, until] = Array.isArray(fields) ? fields : [];
    if (user !== null && (typeof user !== "string" || this.#passwordOf(user) === null)) return null;
    if (!isSame(mac, this.#mac(text, this.#secretOf(user)))) return null;
    return until > this.#clock.now() ? { id, user, until } : null;
  }

  /**
   * What each form has to send along, as no other site can know it. Another one at each call, as its
   * page is compressed: of one that stays, the length would tell (BREACH).
   */
  formToken(session: Session, nonce = randomBytes(9).toString("base64url")): string {
    const { id, user } = session;
    return `${nonce}.${this.#mac(`form ${nonce} ${id}`, this.#secretOf(user))}`;
  }

  isFormToken(session: Session, token: unknown): boolean {
    if (typeof token !== "string") return false;
    return isSame(token, this.formToken(session, token.split(".")[0]));
  }

  #secretOf(user: string | null): string {
    return user === null ? "" : this.#passwordOf(user) ?? "";
  }

  #mac(text: string, secret: string): string {
    return createHmac("sha256", this.#key).update(JSON.stringify([text, secret])).digest(
      "base64url",
    );
  }
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
