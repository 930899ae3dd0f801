import { Hono } from "hono";
import type { Env, WebDeps } from "../env.ts";
import { serve } from "./endpoint.ts";
import { incidentEndpoints } from "./incident_endpoints.ts";
import { openApi } from "./openapi.ts";
import { monitorEndpoints } from "./monitor_endpoints.ts";
import { silenceEndpoints } from "./silence_endpoints.ts";
import { siteEndpoints } from "./site_endpoints.ts";

/** /api/v1 */
export function api(deps: WebDeps): Hono<Env> {
  const app = new Hono<Env>();
  const endpoints = [
    ...silenceEndpoints(deps),
    ...siteEndpoints(deps),
    ...incidentEndpoints(deps),
    ...monitorEndpoints(deps),
  ];
  for (const one of endpoints) serve(app, one);
  const description = openApi(endpoints);
  app.get("/openapi.json", (c) => c.json(description));
  return app;
}
