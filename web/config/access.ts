import { createHash } from "node:crypto";
import { z } from "zod";
import {
  HTTP_TOKEN,
  networks,
  optional,
  optionalSection,
  parseListen,
  strictMap,
  text,
  textLike,
  withDefault,
} from "../../config/fields.ts";
import type { Loading } from "../../config/part.ts";
import { isGiven, mapAt } from "../../config/source/raw.ts";

const PASSWORD = 'a hash that "httpmon web --hash-password" prints';
const TOKEN =
  'a token of 20 to 256 letters, digits and "-._~+/=" from the environment or a file, or "sha256:" ' +
  "and the hash of one";
const SECRET = "a text of 32 to 256 characters";

const user = strictMap({
  password: textLike(
    PASSWORD,
    /^\$scrypt\$ln=1\d,r=8,p=[1-4]\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
  ),
  role: withDefault(z.literal(["view", "operate"], { error: "view or operate" }), "view"),
}, 'a map with "password" and "role"');

const token = strictMap({
  token: textLike(TOKEN, /^(?:sha256:[0-9a-f]{64}|[A-Za-z0-9._~+/=-]{20,256})$/),
  role: withDefault(z.literal(["read", "operate"], { error: "read or operate" }), "read"),
}, 'a map with "token" and "role"');

const names = textLike(
  "a name of 1 to 64 characters",
  /^[^\p{C}\s](?:[^\p{C}]{0,62}[^\p{C}\s])?$/u,
);

/** Who may see and do what: keys of `web:`. */
export const accessFields = {
  users: withDefault(
    z.record(names, user, { error: "a map from a user's name to a password" }),
    {},
  ),
  tokens: withDefault(z.record(names, token, { error: "a map from a name to a token" }), {}),
  proxy_header: optionalSection({
    name: textLike("the name of a header", HTTP_TOKEN),
    from: networks.min(1, { error: "the addresses of the proxies" }),
    operate: withDefault(z.array(text("a user's name"), { error: "a list of users" }), []),
  }, 'a map with "name", "from" and "operate"'),
  secret: optional(
    z.string({ error: SECRET }).min(32, { error: SECRET }).max(256, { error: SECRET }),
  ),
};

/** Whether only this machine can reach a host that is listened on. */
export function isLoopback(host: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|::1|(?:[a-z0-9-]+\.)*localhost)$/i.test(host);
}

/** Notes what one key's value alone cannot show to be wrong. */
export function checkAccess({ root, outside, findings }: Loading): void {
  const web = mapAt(root, "web");
  const isAsked = ["users", "tokens"].some((key) => Object.keys(mapAt(web, key)).length > 0) ||
    isGiven(web.proxy_header);
  const address = parseListen(web.listen);
  if (address !== null && !isLoopback(address.host) && !isAsked) {
    findings.expected(
      ["web", "listen"],
      'an address of this machine alone (127.0.0.1), or one of "web.users", "web.tokens" and ' +
        '"web.proxy_header" beside it',
      web.listen,
    );
  }
  for (const [name, entry] of Object.entries(mapAt(web, "tokens"))) {
    const path = ["web", "tokens", name, "token"];
    const { token } = mapAt({ entry }, "entry");
    if (typeof token === "string" && !token.startsWith("sha256:") && !outside.has(path)) {
      findings.expected(path, TOKEN, token);
    }
  }
}

/** What somebody may do in the dashboard and the API: see all, or also acknowledge, silence, replay. */
export type Role = "view" | "operate";

/** Who may use the dashboard and the API; with no users, tokens or proxies, who is on this machine. */
export function toAccess(yaml: z.output<z.ZodObject<typeof accessFields>>) {
  const { users, tokens, proxy_header: proxyHeader, secret } = yaml;
  return {
    /** By name; the password is a hash of web/access/password.ts. */
    users: users as Readonly<Record<string, { password: string; role: Role }>>,
    /** The hash is hexadecimal. */
    tokens: Object.entries(tokens).map(([name, { token, role }]) => ({
      name,
      sha256: token.startsWith("sha256:")
        ? token.slice("sha256:".length)
        : createHash("sha256").update(token).digest("hex"),
      role: role === "read" ? "view" as const : role,
    })),
    /** The header in which proxies at these addresses name the user, and those who may operate. */
    proxyHeader,
    /** What sessions are signed with; null: something new at each start. */
    secret,
  };
}

export type WebAccess = ReturnType<typeof toAccess>;
