import type { CurrentSites } from "../../data/now/current_sites.ts";
import { BY_URGENCY } from "../../data/now/selection.ts";
import type { SiteNow } from "../../data/now/site_now.ts";
import type { State } from "../../data/now/site_state.ts";
import { Mark, Since } from "./basics.tsx";
import { plural } from "./format.ts";
import { noticedBy, whyOf } from "./why.ts";

/** More are one line. */
const MOST = 20;

/** In a line, how all sites are. */
export function headline(counts: Record<State, number>): string {
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const { down, degraded, unobserved, unknown, maintenance } = counts;
  if (all === 0) return "No result in the last 26 hours";
  if (down > 0) return `${plural(down, "site is", "sites are")} down`;
  if (degraded > 0) return `${plural(degraded, "site is", "sites are")} degraded`;
  const quiet = unobserved + unknown;
  if (quiet === all) return "Nothing is observed now";
  if (quiet > 0) return `${plural(quiet, "site is", "sites are")} not observed, none is down`;
  if (maintenance > 0) return `All sites are up, ${maintenance} in maintenance`;
  return all === 1 ? "The site is up" : `All ${plural(all, "site")} are up`;
}

interface WrongProps {
  sites: CurrentSites;
  counts: Record<State, number>;
  now: number;
}

/** What is wrong now: since when, why, and who noticed. */
export function Wrong({ sites, counts, now }: WrongProps) {
  const wrong = [...sites.all()].filter(({ state }) => state === "down" || state === "degraded")
    .sort((a, b) => BY_URGENCY.indexOf(a.state) - BY_URGENCY.indexOf(b.state) || b.since - a.since);
  return (
    <>
      <div class="headline">
        <h1>{headline(counts)}</h1>
        <p class="dim">
          {BY_URGENCY.filter((state) => counts[state] > 0).map((state) => (
            <a class={`state ${state}`} href={`/?state=${state}`}>
              <Mark state={state} /> {counts[state]} {state}
            </a>
          ))}
        </p>
      </div>
      {wrong.length > 0 && (
        <table class="rows wrong">
          <caption class="hidden">What is wrong now</caption>
          <tbody>
            {wrong.slice(0, MOST).map((site) => (
              <tr data-wrong={site.id}>
                <td>
                  <Mark state={site.state} />
                  <span class="hidden">{site.state}</span>
                </td>
                <td class="name">
                  <a href={`/sites/${site.id}`}>{site.name}</a>
                </td>
                <td>
                  {site.state} <Since at={site.since} now={now} />
                </td>
                <td class="text">{whyOf(site)}</td>
                <td class="text dim">{noticedBy(site)}</td>
                <td>
                  <IncidentLink site={site} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {wrong.length > MOST && (
        <p>
          <a href="/?sort=state">and {plural(wrong.length - MOST, "more", "more")}</a>
        </p>
      )}
    </>
  );
}

/** To what people do about it. */
export function IncidentLink({ site: { incident } }: { site: SiteNow }) {
  if (incident === null) return null;
  const { id, isAcknowledged, acknowledgedBy } = incident;
  const done = acknowledgedBy === null ? "acknowledged" : `acknowledged by ${acknowledgedBy}`;
  return <a class="act" href={`/incidents/${id}`}>{isAcknowledged ? done : "acknowledge"}</a>;
}
