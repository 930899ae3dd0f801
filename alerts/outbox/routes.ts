import type { AlertsConfig } from "../../config/types.ts";
import { allOf } from "../../config/matchers.ts";

/** A site, or what else has an incident: how it is named, and who is told of it. */
export interface About {
  name: string;
  /** Empty where it is no site. */
  url: string;
  /** As its config names them; null: it names none. */
  channels: readonly string[] | null;
  labels: Readonly<Record<string, string>>;
}

/** Which channels are told of an incident. */
export type Route = (incident: About & { kind: string; severity: string }) => readonly string[];

/**
 * Who is told of an incident: those that its site names; else those of the first route whose matchers
 * all hold, and where that says to go on, of the next such one, too; where none does, all.
 */
export function routesOf({ channels, routes }: Pick<AlertsConfig, "channels" | "routes">): Route {
  const all = Object.keys(channels);
  const known = routes.map((route) => ({ ...route, matches: allOf(route.matchers) }));
  return (incident) => {
    if (incident.channels !== null) return incident.channels;
    const labels = labelsOf(incident);
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
  { kind, severity, labels, name, url }: Omit<Parameters<Route>[0], "channels">,
): Record<string, string> {
  return { ...labels, kind, severity, site: name, url, host: URL.parse(url)?.host ?? "" };
}
