import { Hono } from "hono";
import type { Env, WebDeps } from "./env.ts";

/**
 * /healthz, 200 while it answers at all, and /readyz, 200 once it has read the state of the sites, for
 * who asks by any name of the machine. A database that is away later leaves it ready: it shows what it
 * has, and says since when.
 */
export function health({ sites }: Pick<WebDeps, "sites">): Hono<Env> {
  const app = new Hono<Env>();
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    if (sites.isRead) return c.json({ status: "ok" });
    const reason = sites.failingSince === null
      ? "The state of the sites is not read yet"
      : "The database does not answer; the log has why";
    return c.json({ status: "unavailable", reasons: [reason] }, 503);
  });
  return app;
}
