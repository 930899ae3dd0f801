import { z } from "zod";
import { optional, plain, strictMap } from "../../config/fields.ts";
import { checkUrl } from "../../config/site/urls.ts";
import { AccessToken } from "./access_token.ts";
import { authKind } from "./kind.ts";

/** OAuth 2.0 client credentials: RFC 6749, section 4.4. */
export const oauth2 = authKind({
  kind: "oauth2",
  title: "an OAuth2 access token",
  schema: strictMap({
    token_url: z.string({ error: "the URL that gives tokens" }).superRefine((url, ctx) => {
      const message = checkUrl(url);
      if (message !== null) ctx.addIssue({ code: "custom", message });
    }),
    client_id: plain("a client's id"),
    client_secret: plain("a client's secret"),
    scope: optional(plain("scopes, with spaces between")),
  }).transform(({ token_url: tokenUrl, client_id, client_secret, scope }) => ({
    kind: "oauth2" as const,
    tokenUrl,
    clientId: client_id,
    clientSecret: client_secret,
    scope,
  })),
  secrets: ({ clientSecret }) => [clientSecret],
  authorization: (auth, { ask, clock }) => new AccessToken(auth, ask, clock),
});
