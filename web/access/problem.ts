import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { STATUS_CODES } from "node:http";

/** An answer that says what went wrong, for programs (RFC 9457). */
export function problem(c: Context, status: ContentfulStatusCode, detail: string): Response {
  return c.json({ type: "about:blank", title: STATUS_CODES[status], status, detail }, status, {
    "content-type": "application/problem+json",
  });
}

/** Whether who asks reads problems, not pages. */
export function isForProgram(c: Context): boolean {
  return c.req.path.startsWith("/api/");
}
