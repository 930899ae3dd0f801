import { Hono } from "hono";
import type { Env, WebDeps } from "../env.ts";

/** /api/v1 */
export function api(_deps: WebDeps): Hono<Env> {
  return new Hono<Env>();
}
