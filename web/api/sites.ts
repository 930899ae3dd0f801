import { z } from "zod";
import { STATES } from "../data/now/judge.ts";
import { filter } from "../data/now/select.ts";
import type { SiteNow } from "../data/now/sites.ts";
import { DAY_MS } from "../data/past/history.ts";
import { lastResults } from "../data/past/site.ts";
import type { WebDeps } from "../env.ts";
import { type Endpoint, endpoint, NotThere } from "./endpoint.ts";
import { cursorOf, id, pageOf, paging, placeOf, time } from "./schemas.ts";

const STATE = z.enum([...STATES, "unobserved"]);
const fraction = z.number().min(0).max(1).nullable();
const ms = z.number().nullable();

const site = z.object({
  id: z.int(),
  name: z.string().describe("Its name, or its URL where it has none"),
  url: z.string(),
  labels: z.record(z.string(), z.string()),
  state: STATE,
  incident: z.object({
    id: z.string(),
    isAcknowledged: z.boolean(),
    acknowledgedBy: z.string().nullable(),
  }).nullable().describe("The one that is open, of its being down or degraded first"),
  since: time.describe("Since when it is in this state"),
  lastResult: time,
  reason: z.string().nullable().describe("The rule or class that decided a state other than up"),
  errorMessage: z.string().nullable(),
  responseCode: z.int().nullable(),
  responseMs: ms,
  agents: z.int().describe("That say something of now"),
  agentsDown: z.int(),
  locations: z.array(z.string()),
  downFrom: z.array(z.string()),
  certificateExpiresAt: time.nullable(),
  frequency: z.number().nullable().describe("Seconds between due times"),
  uptime: z.object({ day: fraction, month: fraction, quarter: fraction })
    .describe("Of 24 hours, 30 and 90 days"),
  p50: ms.describe("Milliseconds, of 24 hours"),
  p95: ms.describe("Milliseconds, of 24 hours"),
});

const result = z.object({
  ts: time,
  agent: z.guid(),
  location: z.string().nullable(),
  verdict: z.enum(["up", "degraded", "down", "unknown"]),
  reason: z.string().nullable(),
  responseCode: z.int().nullable(),
  responseMs: ms,
  phases: z.object({ dns: ms, connect: ms, tls: ms, firstByte: ms, download: ms }),
  slots: z.int().describe("The due times that it answers for"),
  maintenance: z.boolean(),
  errorClass: z.string().nullable(),
  errorMessage: z.string().nullable(),
  remoteAddress: z.string().nullable(),
});

/** Before which moment, and how many of the first were on the pages before: those of one moment. */
const resultsPlace = z.tuple([z.string().regex(/^[\d:. -]+\+00$/), z.int().min(0).max(10_000)]);

/** How far back results are looked for, unless a request says otherwise. */
const DEFAULT_DAYS = 30;

/** The sites as they are now, and what was seen of them. */
export function siteEndpoints({ pool, sites, history, clock }: WebDeps): Endpoint[] {
  const theSite = (id: number): SiteNow => {
    const found = sites.get(id);
    if (found === null) throw new NotThere(`There is no site ${id} with results of late`);
    return found;
  };
  const shown = (one: SiteNow) => ({
    ...one,
    uptime: {
      day: history.uptime(one.id, 1),
      month: history.uptime(one.id, 30),
      quarter: history.uptime(one.id, 90),
    },
    p50: history.percentiles(one.id)?.p50 ?? null,
    p95: history.percentiles(one.id)?.p95 ?? null,
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
