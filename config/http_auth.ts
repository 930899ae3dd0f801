import { z } from "zod";
import { optional, optionalSection } from "./fields.ts";
import type { Auth } from "./types.ts";
import { checkUrl } from "./urls.ts";

const USERNAME = 'a user name without ":" and control characters';
const PASSWORD = "a password without control characters";
const TOKEN = "a token (ASCII, without spaces)";
const TOKEN_URL = "the URL that gives tokens";
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/;

/** A text that a form or a header can hold. */
function plain(what: string, min = 1) {
  return z.string({ error: what }).min(min, { error: what }).refine((text) => !CONTROL.test(text), {
    error: what,
  });
}

/** `auth:` of a site. That it has one kind is checked in site_checks.ts. */
export const authSchema = optionalSection({
  // RFC 7617, section 2.
  basic: optionalSection({
    username: plain(USERNAME).refine((text) => !text.includes(":"), { error: USERNAME }),
    password: plain(PASSWORD, 0),
  }),
  bearer: optional(z.string({ error: TOKEN }).regex(/^[!-~]+$/, { error: TOKEN })),
  // RFC 6749, section 4.4.
  oauth2: optionalSection({
    token_url: z.string({ error: TOKEN_URL }).superRefine((url, ctx) => {
      const message = checkUrl(url);
      if (message !== null) ctx.addIssue({ code: "custom", message });
    }),
    client_id: plain("a client's id"),
    client_secret: plain("a client's secret"),
    scope: optional(plain("scopes, with spaces between")),
  }),
});

/** The kinds that the YAML of an `auth:` names. */
export const AUTH_KINDS = ["basic", "bearer", "oauth2"] as const;

/** The credentials of a checked `auth:`; null where it has none. */
export function toAuth(yaml: z.output<typeof authSchema>): Auth | null {
  if (yaml === null) return null;
  const { basic, bearer, oauth2 } = yaml;
  if (basic !== null) return { kind: "basic", ...basic };
  if (bearer !== null) return { kind: "bearer", token: bearer };
  if (oauth2 === null) return null;
  return {
    kind: "oauth2",
    tokenUrl: oauth2.token_url,
    clientId: oauth2.client_id,
    clientSecret: oauth2.client_secret,
    scope: oauth2.scope,
  };
}
