import { Cron } from "croner";
import { siteId } from "../../config/types.ts";
import { DAY_MS, DAYS } from "../data/past/history.ts";
import { incidents } from "../data/incidents/incidents.ts";
import type { State } from "../data/now/site_state.ts";
import { notesOf } from "../data/incidents/notes.ts";
import { type Counts, noCounts, uptimeOf } from "../data/past/ring.ts";
import { Kept } from "../data/kept.ts";
import { groupOf } from "../data/now/selection.ts";
import type { WebDeps } from "../env.ts";

const PAST_DAYS = 14;
const AHEAD_DAYS = 14;
const MOST = 200;

/** A site as the public sees it: nothing of where it is and why it fails. */
export interface PublicSite {
  id: number;
  name: string;
  state: State;
  /** Of 90 days; null where nothing counts. */
  uptime: number | null;
  days: readonly Counts[];
  /** Of 24 hours, milliseconds; null without a response. */
  p95: number | null;
}

export interface PublicIncident {
  id: string;
  kind: "down" | "degraded";
  /** In words for customers. */
  title: string;
  openedAt: number;
  closedAt: number | null;
  /** What was written for the public, the oldest first. */
  notes: readonly { at: number; text: string }[];
}

export interface PublicMaintenance {
  sites: readonly { id: number; name: string }[];
  from: number;
  to: number;
}

/** What is on the status page. Times are milliseconds since 1970. */
export interface StatusView {
  asOf: number;
  indicator: "none" | "minor" | "major" | "critical" | "maintenance";
  words: string;
  groups: readonly { name: string; uptime: number | null; sites: readonly PublicSite[] }[];
  /** Those that are open, and those of the last days, the newest first. */
  incidents: readonly PublicIncident[];
  /** Under way and ahead. */
  maintenance: readonly PublicMaintenance[];
}

/** Gives what is on the status page; everybody may ask, and as often as they like. */
export function statusViews(deps: WebDeps): () => Promise<StatusView> {
  const kept = new Kept(deps.clock, () => viewNow(deps));
  return () => kept.get();
}

async function viewNow({ pool, sites, history, config, clock }: WebDeps): Promise<StatusView> {
  const now = clock.now();
  const groups = config.web.status!.groups.map((name) => {
    const members = [...sites.all()].filter((site) => groupOf(site) === name)
      .sort((a, b) => a.name.localeCompare(b.name));
    return {
      name,
      uptime: uptimeOf(members.reduce((sum, { id }) => history.counts(id, DAYS, sum), noCounts())),
      sites: members.map(({ id, name, state }): PublicSite => ({
        id,
        name,
        state,
        uptime: history.uptime(id, DAYS),
        days: history.days(id),
        p95: history.percentiles(id).p95,
      })),
    };
  });
  const shown = new Map(groups.flatMap((group) => group.sites).map((site) => [site.id, site]));
  const found = await incidents(pool, {
    siteIds: [...shown.keys()],
    since: now - PAST_DAYS * DAY_MS,
    limit: MOST,
  });
  const notes = await notesOf(pool, found.map(({ id }) => id));
  return {
    asOf: now,
    ...overall([...shown.values()].map(({ state }) => state)),
    groups,
    incidents: found.flatMap(({ id, siteId, kind, openedAt, closedAt }): PublicIncident[] =>
      // The monitor's own trouble is no outage.
      kind !== "down" && kind !== "degraded" ? [] : [{
        id,
        kind,
        title: titleOf(shown.get(siteId!)!.name, kind, closedAt === null),
        openedAt,
        closedAt,
        notes: notes.filter((note) => note.isPublic && note.incidentId === id)
          .map(({ at, text }) => ({ at, text })),
      }]
    ),
    maintenance: maintenanceAhead(config.sites, [...shown.values()], now),
  };
}

function titleOf(site: string, kind: PublicIncident["kind"], isOpen: boolean): string {
  if (isOpen) return kind === "down" ? `${site} is down` : `${site} works in part`;
  return kind === "down" ? `${site} was down` : `${site} worked in part`;
}

function overall(states: readonly State[]): Pick<StatusView, "indicator" | "words"> {
  const has = (state: State) => states.includes(state);
  if (states.length > 0 && states.every((state) => state === "down")) {
    return { indicator: "critical", words: "All systems are down" };
  }
  if (has("down")) return { indicator: "major", words: "Some systems are down" };
  if (has("degraded")) return { indicator: "minor", words: "Some systems work in part" };
  if (has("maintenance")) return { indicator: "maintenance", words: "Maintenance is under way" };
  // Silence is no good news.
  if (has("unobserved") || has("unknown") || states.length === 0) {
    return { indicator: "minor", words: "Nothing is known of some systems" };
  }
  return { indicator: "none", words: "All systems work" };
}

/** The maintenances that the config has for these sites; those of one time are one. */
function maintenanceAhead(
  configured: WebDeps["config"]["sites"],
  shown: readonly PublicSite[],
  now: number,
): PublicMaintenance[] {
  const byTime = new Map<string, PublicMaintenance & { sites: { id: number; name: string }[] }>();
  for (const site of configured) {
    const own = shown.find(({ name }) => name === siteId(site));
    if (own === undefined) continue;
    for (const one of site.maintenance) {
      const [from, to] = one.kind === "once" ? [one.from, one.to] : nextOf(one, now);
      if (to <= now || from > now + AHEAD_DAYS * DAY_MS) continue;
      const key = `${from} ${to}`;
      const known = byTime.get(key) ?? { from, to, sites: [] };
      known.sites.push({ id: own.id, name: own.name });
      byTime.set(key, known);
    }
  }
  return [...byTime.values()].sort((a, b) => a.from - b.from);
}

function nextOf(
  { cron, timeZone, durationMs }: { cron: string; timeZone: string; durationMs: number },
  now: number,
): [from: number, to: number] {
  const start = new Cron(cron, { timezone: timeZone }).nextRun(new Date(now - durationMs));
  const from = start?.getTime() ?? Infinity;
  return [from, from + durationMs];
}
