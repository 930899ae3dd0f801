import { Hono } from "hono";
import type { Env, WebDeps } from "../env.ts";
import { overview } from "./overview.tsx";
import { site } from "./site.tsx";

/** What people look at. */
export function pages(deps: WebDeps): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/", (c) => overview(c, deps));
  app.get("/sites/:id{[0-9]+}", (c) => site(c, deps));
  return app;
}
