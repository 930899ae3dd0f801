import { HTTPException } from "hono/http-exception";
import { z } from "zod";
import { filter } from "../data/now/selection.ts";
import { type SiteNow, siteNow, STATE } from "../data/now/site_now.ts";
import { DAY_MS } from "../data/past/history.ts";
import { lastResults, result } from "../data/past/results.ts";
import { number } from "../data/shape.ts";
import type { WebDeps } from "../env.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";
import { cursorOf, id, pageOf, paging, placeOf } from "./schemas.ts";

const fraction = z.number().min(0).max(1).nullable();

const site = siteNow.extend({
  uptime: z.object({ day: fraction, month: fraction, quarter: fraction })
    .describe("Of 24 hours, 30 and 90 days"),
  p50: number.describe("Milliseconds, of 24 hours"),
  p95: number.describe("Milliseconds, of 24 hours"),
});

/** Before which moment, and how many of the first were on the pages before: those of one moment. */
const resultsPlace = z.tuple([z.string().regex(/^[\d:. -]+\+00$/), z.int().min(0).max(10_000)]);

/** How far back results are looked for, unless a request says otherwise. */
const DEFAULT_DAYS = 30;

/** The sites as they are now, and what was seen of them. */
export function siteEndpoints({ pool, sites, history, clock }: WebDeps): Endpoint[] {
  const theSite = (id: number): SiteNow => {
    const found = sites.get(id);
    if (found === null) {
      throw new HTTPException(404, { message: `There is no site ${id} with results of late` });
    }
    return found;
  };
  const shown = (one: SiteNow) => ({
    ...one,
    uptime: {
      day: history.uptime(one.id, 1),
      month: history.uptime(one.id, 30),
      quarter: history.uptime(one.id, 90),
    },
    ...history.percentiles(one.id),
  });
  return [
    endpoint({
      method: "get",
      path: "/sites",
      summary: "Sites as they are now, in the order in which they were first seen",
      query: {
        ...paging,
        q: z.string().default("").describe("In the name or the URL"),
        state: STATE.optional(),
        label: z.string().default("").describe('"name: value"'),
        location: z.string().default(""),
      },
      answer: pageOf(site),
      handle: ({ query: { limit, cursor, q, state = "", label, location } }) => {
        const after = placeOf(cursor, z.int()) ?? 0;
        const rest = filter(sites.all(), { text: q, state, label, location })
          .filter(({ id }) => id > after).sort((a, b) => a.id - b.id);
        const last = rest.length > limit ? rest[limit - 1]! : null;
        return {
          data: rest.slice(0, limit).map(shown),
          next: last && cursorOf(last.id),
        };
      },
    }),
    endpoint({
      method: "get",
      path: "/sites/{id}",
      summary: "A site as it is now",
      params: { id },
      answer: site,
      handle: ({ params }) => shown(theSite(params.id)),
    }),
    endpoint({
      method: "get",
      path: "/sites/{id}/results",
      summary: "Results of a site, the newest first",
      params: { id },
      query: {
        ...paging,
        since: z.iso.datetime().optional().describe(`Default: ${DEFAULT_DAYS} days ago`),
        until: z.iso.datetime().optional(),
      },
      answer: pageOf(result),
      handle: async ({ params, query: { limit, cursor, since, until } }) => {
        const { name } = theSite(params.id);
        const first = since ?? new Date(clock.now() - DEFAULT_DAYS * DAY_MS);
        const [before, given] = placeOf(cursor, resultsPlace) ?? [until ?? "infinity", 0];
        const found = await lastResults(pool, name, [first, before], given + limit + 1);
        const shown = found.slice(0, given + limit);
        const data = shown.slice(given);
        if (found.length === shown.length) return { data, next: null };
        const { behind } = data.at(-1)!;
        const ofItsMoment = shown.filter((one) => one.behind === behind).length;
        return { data, next: cursorOf([behind, ofItsMoment]) };
      },
    }),
  ];
}
