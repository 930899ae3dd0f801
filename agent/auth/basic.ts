import { Buffer } from "node:buffer";
import { strictMap, text } from "../../config/fields.ts";
import { authKind } from "./kind.ts";

const USERNAME = 'a user name without ":" and control characters';

/** RFC 7617, in UTF-8. */
export const basic = authKind({
  kind: "basic",
  title: "a user and a password",
  schema: strictMap({
    username: text(USERNAME).refine((text) => !text.includes(":"), { error: USERNAME }),
    password: text("a password without control characters", 0),
  }).transform((given) => ({ kind: "basic" as const, ...given })),
  secrets: ({ password }) => [password],
  authorization: ({ username, password }) => basicAuthorization(username, password),
});

export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
