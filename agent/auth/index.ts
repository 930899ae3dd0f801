import { basic } from "./basic.ts";
import { bearer } from "./bearer.ts";
import type { AuthKind } from "./kind.ts";
import { oauth2 } from "./oauth2.ts";

/** Every kind of credentials. */
const LIST = [basic, bearer, oauth2] as const;

type Kinds = typeof LIST[number];

/** Credentials for a site; all of it is secret. */
export type Auth = Kinds extends infer K ? K extends AuthKind<string, infer A> ? A : never : never;

/** A kind whatever its credentials are; only ever handed its own. */
// deno-lint-ignore no-explicit-any
type AnyKind = AuthKind<Kinds["kind"], any>;

export const AUTH_KINDS: readonly AnyKind[] = LIST;

/** What may stand at each key under `auth:`. */
export const AUTH_SCHEMAS = Object.fromEntries(LIST.map(({ kind, schema }) => [kind, schema])) as {
  [K in Kinds as K["kind"]]: K["schema"];
};

/** All that is known of the credentials' kind. */
export function kindOf(auth: Auth): AnyKind {
  return AUTH_KINDS.find(({ kind }) => kind === auth.kind)!;
}
