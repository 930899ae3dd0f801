import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { compress } from "./compress.ts";
import { explainFailure } from "../db/connect/explain_failure.ts";
import { Guard } from "./access/guard.ts";
import { loginRoom } from "./access/login.tsx";
import { isForProgram, problem } from "./access/problem.ts";
import { api } from "./api/index.ts";
import { assets } from "./assets/index.ts";
import { hostPort } from "../runtime/host_port.ts";
import type { Env, WebDeps } from "./env.ts";
import { health } from "./health.ts";
import { live } from "./live/index.tsx";
import { pages } from "./pages/index.tsx";
import { layout, message } from "./pages/layout.tsx";
import { status } from "./status/index.ts";

/** All that is served, as a function from request to response. */
export function createApp(deps: WebDeps): Hono<Env> {
  const app = new Hono<Env>();
  app.route("/", health(deps));
  app.use(compress, layout(deps));
  const guard = new Guard(deps.config.web, deps.clock);
  app.use(...guard.shield);
  app.route("/assets", assets());
  app.route("/", status(deps, `http://${hostPort(deps.config.web.listen)}/status`));
  app.route("/", loginRoom(guard, deps));
  // What is above is for everybody, what is below for those who may.
  app.use(guard.gate);
  app.route("/live", live(deps));
  app.route("/api/v1", api(deps));
  app.route("/", pages(deps));
  app.notFound((c) => {
    if (!c.get("visitor")) return c.text("Not here\n", 404);
    return isForProgram(c)
      ? problem(c, 404, "There is no such thing")
      : message(c, "Not here", "There is no such page.");
  });
  app.onError((error, c) => {
    if (error instanceof HTTPException) return problem(c, error.status, error.message);
    deps.log.error({ error, path: c.req.path }, "A request failed");
    // Who is not known is told nothing of what is inside.
    if (!c.get("visitor")) return c.text("This did not work: try it again in a while\n", 500);
    const why = whyOf(error);
    return isForProgram(c) ? problem(c, 500, why) : message(c, "This did not work", `${why}.`, 500);
  });
  return app;
}

function whyOf(error: unknown): string {
  try {
    return explainFailure(error);
  } catch {
    return "This is a defect; the log has more";
  }
}
