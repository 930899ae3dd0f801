import type { State } from "../data/now/site_state.ts";
import type { PublicIncident, PublicSite, StatusView } from "./view.ts";

/** Statuspage's words for states; it has none for what nobody knows. */
const STATUS: Record<State, string> = {
  up: "operational",
  degraded: "degraded_performance",
  down: "major_outage",
  maintenance: "under_maintenance",
  unknown: "",
  unobserved: "",
};

/**
 * The status page as the summary.json of Statuspage has it, so that what reads those reads this:
 * https://doers.statuspage.io/api/v1/ and https://metastatuspage.com/api (GET summary.json).
 */
export function summary(view: StatusView, title: string, url: string) {
  const at = new Date(view.asOf).toISOString();
  const page = { id: "httpmon", name: title, url, time_zone: "Etc/UTC", updated_at: at };
  const common = {
    page_id: page.id,
    created_at: at,
    updated_at: at,
    description: null,
    showcase: true,
    start_date: null,
    only_show_if_degraded: false,
  };
  const component = (site: PublicSite, groupId: string, position: number) => ({
    id: String(site.id),
    name: site.name,
    status: STATUS[site.state],
    group_id: groupId,
    position,
    group: false,
    ...common,
  });
  const components = view.groups.flatMap((group, position) => {
    const id = `group-${position + 1}`;
    const members = group.sites.map((site, n) => component(site, id, n + 1));
    return [{
      id,
      name: group.name,
      status: STATUS[worst(group.sites)],
      group_id: null,
      position: position + 1,
      group: true,
      ...common,
      components: members.map(({ id }) => id),
    }, ...members];
  });
  return {
    page,
    components,
    incidents: view.incidents.filter(({ closedAt }) => closedAt === null)
      .map((one) => incident(one, url)),
    scheduled_maintenances: view.maintenance.map(({ sites, from, to }) => ({
      id: `maintenance-${from}-${sites[0]!.id}`,
      name: `Maintenance of ${sites.map(({ name }) => name).join(", ")}`,
      status: from <= view.asOf ? "in_progress" : "scheduled",
      created_at: at,
      updated_at: at,
      monitoring_at: null,
      resolved_at: null,
      impact: "maintenance",
      shortlink: url,
      started_at: new Date(from).toISOString(),
      page_id: page.id,
      incident_updates: [],
      components: components.filter(({ id }) => sites.some((site) => String(site.id) === id)),
      scheduled_for: new Date(from).toISOString(),
      scheduled_until: new Date(to).toISOString(),
    })),
    status: { indicator: view.indicator, description: view.words },
  };
}

function incident(one: PublicIncident, url: string) {
  const time = (ms: number) => new Date(ms).toISOString();
  const openedAt = time(one.openedAt);
  const updates = one.notes.toReversed().map(({ at, text }, n) => ({
    id: `${one.id}-${one.notes.length - n}`,
    status: "investigating",
    body: text,
    incident_id: one.id,
    created_at: time(at),
    updated_at: time(at),
    display_at: time(at),
    affected_components: null,
    deliver_notifications: false,
  }));
  return {
    id: one.id,
    name: one.title,
    status: "investigating",
    created_at: openedAt,
    updated_at: updates[0]?.updated_at ?? openedAt,
    monitoring_at: null,
    resolved_at: null,
    impact: one.kind === "down" ? "major" : "minor",
    shortlink: `${url}#incident-${one.id}`,
    started_at: openedAt,
    page_id: "httpmon",
    incident_updates: updates,
    components: [],
  };
}

function worst(sites: readonly PublicSite[]): State {
  const order: State[] = ["down", "degraded", "maintenance", "up"];
  return order.find((state) => sites.some((site) => site.state === state)) ?? "unknown";
}
