import { type Context, Hono } from "hono";
import { keptProcesses, type Process } from "../data/monitor/ops.ts";
import { keptRecent } from "../data/monitor/recent.ts";
import { Selections } from "../data/now/selection.ts";
import type { Kept } from "../data/kept.ts";
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
import { overviewPage } from "./overview.tsx";
import { pipelinePage } from "./pipeline.tsx";
import { replayLetters } from "./replay.tsx";
import { monthPage, reportsPage, siteMonthPage } from "./reports.tsx";
import { sitePage } from "./site.tsx";

/** What pages are handed. */
export interface PageDeps extends WebDeps {
  processes: Kept<Process[]>;
  recent: ReturnType<typeof keptRecent>;
  reports: Reports;
  selections: Selections;
}

type Page = (c: Context<Env>, deps: PageDeps) => Response | Promise<Response>;

const SITE = "/sites/:id{[0-9]{1,9}}";
const INCIDENT = "/incidents/:id{[0-9]{1,18}}";

/** By their addresses; those that begin with POST change something. */
const PAGES: Readonly<Record<string, Page>> = {
  "GET /": overviewPage,
  [`GET ${SITE}`]: sitePage,
  [`POST ${SITE}/check`]: checkNow,
  "GET /incidents": incidentsPage,
  [`GET ${INCIDENT}`]: incidentPage,
  [`POST ${INCIDENT}/acknowledge`]: acknowledgeIncident,
  [`POST ${INCIDENT}/notes`]: noteIncident,
  [`POST ${INCIDENT}/silence`]: silenceSite,
  "POST /silences/:id{[0-9]{1,18}}/end": endSilenceNow,
  "GET /agents": agentsPage,
  "GET /pipeline": pipelinePage,
  "POST /pipeline/replay": replayLetters,
  "GET /reports": reportsPage,
  "GET /reports/:month": monthPage,
  "GET /reports/:month/:id{[0-9]{1,9}}": siteMonthPage,
};

/** What people look at. */
export function pages(deps: WebDeps): Hono<Env> {
  const all: PageDeps = {
    ...deps,
    processes: keptProcesses(deps),
    recent: keptRecent(deps),
    reports: new Reports(deps.pool),
    selections: new Selections(deps),
  };
  const app = new Hono<Env>();
  for (const [address, page] of Object.entries(PAGES)) {
    const [method, path] = address.split(" ") as [string, string];
    app.on(method, path, (c) => page(c, all));
  }
  return app;
}
