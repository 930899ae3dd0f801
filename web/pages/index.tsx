import { Hono } from "hono";
import type { Env, WebDeps } from "../env.ts";
import { overview } from "./overview.tsx";

/** What people look at. */
export function pages(deps: WebDeps): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/", (c) => overview(c, deps));
  return app;
}
