import { Hono } from "hono";
import { Ops } from "../data/monitor/ops.ts";
import { Recent } from "../data/monitor/recent.ts";
import { Selections } from "../data/now/select.ts";
import { Reports } from "../data/past/reports.ts";
import type { Env, WebDeps } from "../env.ts";
import { agentsPage } from "./agents.tsx";
import { checkNow } from "./check.tsx";
import {
  acknowledgeIncident,
  endSilenceNow,
  incidentPage,
  incidentsPage,
  noteIncident,
  silenceSite,
} from "./incidents.tsx";
import { overview } from "./overview.tsx";
import { pipelinePage } from "./pipeline.tsx";
import { replayLetters } from "./replay.tsx";
import { monthPage, reportsPage, siteMonthPage } from "./reports.tsx";
import { site } from "./site.tsx";

/** What people look at. */
export function pages(deps: WebDeps): Hono<Env> {
  const ops = new Ops(deps);
  const recent = new Recent(deps);
  const reports = new Reports(deps.pool);
  const selections = new Selections(deps);
  const app = new Hono<Env>();
  app.get("/", (c) => overview(c, deps, selections));
  app.get("/sites/:id{[0-9]{1,9}}", (c) => site(c, deps));
  app.post("/sites/:id{[0-9]{1,9}}/check", (c) => checkNow(c, deps));
  app.get("/incidents", (c) => incidentsPage(c, deps));
  app.get("/incidents/:id{[0-9]{1,18}}", (c) => incidentPage(c, deps));
  app.post("/incidents/:id{[0-9]{1,18}}/acknowledge", (c) => acknowledgeIncident(c, deps));
  app.post("/incidents/:id{[0-9]{1,18}}/notes", (c) => noteIncident(c, deps));
  app.post("/incidents/:id{[0-9]{1,18}}/silence", (c) => silenceSite(c, deps));
  app.post("/silences/:id{[0-9]{1,18}}/end", (c) => endSilenceNow(c, deps));
  app.get("/agents", (c) => agentsPage(c, deps, { ops, recent }));
  app.get("/pipeline", (c) => pipelinePage(c, deps, { ops, recent, selections }));
  app.get("/reports", (c) => reportsPage(c, deps, reports));
  app.get("/reports/:month", (c) => monthPage(c, deps, reports));
  app.get("/reports/:month/:id{[0-9]{1,9}}", (c) => siteMonthPage(c, deps, reports));
  app.post("/pipeline/replay", (c) => replayLetters(c, deps));
  return app;
}
