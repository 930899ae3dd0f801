import type { AlertsConfig } from "../../config/types.ts";
import { allOf } from "../../config/matchers.ts";
import type { About, IncidentRow } from "../incident.ts";
import type { Route } from "./owe.ts";

/**
 * Who is told of an incident: those that its site names; else those of the first route whose matchers
 * all hold, and where that says to go on, of the next such one, too; where none does, all.
 */
export function routesOf({ channels, routes }: Pick<AlertsConfig, "channels" | "routes">): Route {
  const all = Object.keys(channels);
  const known = routes.map((route) => ({ ...route, matches: allOf(route.matchers) }));
  return (incident, about) => {
    if (about.channels !== null) return about.channels;
    const labels = labelsOf(incident, about);
    const told = new Set<string>();
    let isRouted = false;
    for (const route of known) {
      if (!route.matches(labels)) continue;
      isRouted = true;
      for (const channel of route.channels) told.add(channel);
      if (!route.goesOn) break;
    }
    return isRouted ? [...told] : all;
  };
}

/** What matchers of routes and silences are asked of: the site's labels, and what all incidents have. */
export function labelsOf(
  { kind, severity, labels }: Pick<IncidentRow, "kind" | "severity" | "labels">,
  { name, url }: Pick<About, "name" | "url">,
): Record<string, string> {
  return { ...labels, kind, severity, site: name, url, host: URL.parse(url)?.host ?? "" };
}
