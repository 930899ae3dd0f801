import { z } from "zod";
import { authKind } from "./kind.ts";

const TOKEN = "a token (ASCII, without spaces)";

/** RFC 6750, section 2.1. */
export const bearer = authKind({
  kind: "bearer",
  title: "a bearer token",
  schema: z.string({ error: TOKEN }).regex(/^[!-~]+$/, { error: TOKEN })
    .transform((token) => ({ kind: "bearer" as const, token })),
  secrets: ({ token }) => [token],
  authorization: ({ token }) => `Bearer ${token}`,
});
