import { Hono } from "hono";
import { compress } from "hono/compress";
import { explainFailure } from "../db/connect/explain_failure.ts";
import { access } from "./access/index.ts";
import { api } from "./api/index.ts";
import { assets } from "./assets/index.ts";
import type { Env, WebDeps } from "./env.ts";
import { live } from "./live/index.tsx";
import { pages } from "./pages/index.tsx";
import { messagePage } from "./pages/message.tsx";
import { status } from "./status/index.ts";

/** All that is served, as a function from request to response. */
export function createApp(deps: WebDeps): Hono<Env> {
  const app = new Hono<Env>();
  app.use(compress());
  app.use(access(deps));
  app.route("/assets", assets());
  app.route("/live", live(deps));
  app.route("/api/v1", api(deps));
  app.route("/", status(deps));
  app.route("/", pages(deps));
  app.notFound((c) => messagePage(c, deps, "Not here", "There is no such page.", 404));
  app.onError((error, c) => {
    deps.log.error({ error, path: c.req.path }, "A request failed");
    const why = `The database says: ${explainFailure(error)}`;
    return messagePage(c, deps, "This did not work", why, 500);
  });
  return app;
}
