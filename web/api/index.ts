import { Hono } from "hono";
import type { Env, WebDeps } from "../env.ts";
import { serve } from "./endpoint.ts";
import { incidentEndpoints } from "./incidents.ts";
import { openApi } from "./openapi.ts";
import { pipelineEndpoints } from "./pipeline.ts";
import { silenceEndpoints } from "./silences.ts";
import { siteEndpoints } from "./sites.ts";

/** /api/v1 */
export function api(deps: WebDeps): Hono<Env> {
  const app = new Hono<Env>();
  const endpoints = [
    ...silenceEndpoints(deps),
    ...siteEndpoints(deps),
    ...incidentEndpoints(deps),
    ...pipelineEndpoints(deps),
  ];
  for (const one of endpoints) serve(app, one);
  const description = openApi(endpoints);
  app.get("/openapi.json", (c) => c.json(description));
  return app;
}
