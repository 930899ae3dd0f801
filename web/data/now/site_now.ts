import { z } from "zod";
import { number, text, time } from "../shape.ts";
import { placeOf, type Seen, siteStateOf, STATES } from "./site_state.ts";

export const STATE = z.enum([...STATES, "unobserved"]);

const openIncident = z.object({
  id: z.string(),
  isAcknowledged: z.boolean(),
  acknowledgedBy: text,
});
export type OpenIncident = z.input<typeof openIncident>;

/** A site as it is now. */
export const siteNow = z.object({
  id: z.int(),
  name: z.string().describe("Its name, or its URL where it has none"),
  url: z.string(),
  labels: z.record(z.string(), z.string()),
  state: STATE,
  incident: openIncident.nullable()
    .describe("The one that is open, of its being down or degraded first"),
  since: time.describe("Since when it is in this state"),
  lastResult: time,
  reason: text.describe("The rule or class that decided a state other than up"),
  errorMessage: text,
  responseCode: z.int().nullable(),
  responseMs: number,
  agents: z.int().describe("That say something of now"),
  agentsDown: z.int(),
  locations: z.array(z.string()),
  downFrom: z.array(z.string()),
  certificateExpiresAt: time.nullable(),
  frequency: number.describe("Seconds between due times"),
});

/** Times are milliseconds since 1970. */
export interface SiteNow extends Readonly<z.input<typeof siteNow>> {
  /** Its place by its name; two may have one of late. */
  rank: number;
}

/** @param seen The last result of each of its agents, one at least */
export function siteNowOf(
  id: number,
  seen: readonly Seen[],
  { now, rank, incident }: { now: number; rank: number; incident: OpenIncident | null },
): SiteNow {
  const newestFirst = seen.toSorted((a, b) => b.ts - a.ts);
  const [newest] = newestFirst as [Seen];
  const { state, since, by, fresh, down } = siteStateOf(newestFirst, now);
  const places = (some: readonly Seen[]) => [...new Set(some.map(placeOf))].sort();
  return {
    id,
    name: newest.name,
    rank,
    url: newest.url,
    state,
    since,
    lastResult: newest.ts,
    agents: fresh.length,
    agentsDown: down.length,
    locations: places(seen),
    downFrom: places(down),
    responseMs: by.responseMs,
    responseCode: by.responseCode,
    reason: by.reason,
    errorMessage: by.errorMessage,
    certificateExpiresAt: newestFirst.find(({ expiresAt }) => expiresAt !== null)?.expiresAt ??
      null,
    frequency: newest.frequency,
    labels: newest.siteLabels ?? {},
    incident,
  };
}

/** Whether people who look at a site should be told that it is another than before. */
export function isOther(before: SiteNow | undefined, site: SiteNow): boolean {
  const told = ({ state, since, reason, downFrom, incident }: SiteNow) =>
    [state, since, reason, downFrom.length, incident?.id, incident?.isAcknowledged].join(" ");
  return before === undefined || told(before) !== told(site);
}

const collator = new Intl.Collator("en", { numeric: true });

/** The order of names as people have it: "site 9" before "site 10". */
export function byName(a: string, b: string): number {
  return collator.compare(a, b);
}
