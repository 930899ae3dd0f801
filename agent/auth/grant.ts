/** What a token's server grants. */
export interface Grant {
  value: string;
  lifeMs: number;
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
