import { Hono } from "hono";
import type { Env, WebDeps } from "../env.ts";

/** What is public: /status, /status.json, /feed.atom and /badge. */
export function status(_deps: WebDeps): Hono<Env> {
  return new Hono<Env>();
}
