import type { Child } from "hono/jsx";
import { groupOf, type Sort } from "../../../data/now/selection.ts";
import type { SiteNow } from "../../../data/now/site_now.ts";
import type { History } from "../../../data/past/history.ts";
import type { Check } from "../../../data/past/results.ts";
import { DaysLeft, Ms, Since, StateWord, Uptime } from "../basics.tsx";
import { count } from "../format.ts";
import { hrefOf, type Query } from "../query.ts";
import { CheckStrip, DayStrip } from "../strip.tsx";

interface SiteTableProps {
  /** Those of this page. */
  sites: readonly SiteNow[];
  /** On all pages, how many there are of each. */
  groups: ReadonlyMap<string, number>;
  query: Query;
  history: History;
  /** In place of days. */
  checks: ReadonlyMap<number, readonly Check[]> | null;
  length: number;
  now: number;
}

type Figure = (site: SiteNow, history: History, now: number) => Child;

const uptime = (days: number): Figure => ({ id }, history) => (
  <Uptime of={history.uptime(id, days)} />
);

/** Behind a site's state and name. */
const FIGURES: [sort: Sort, title: string, figure: Figure][] = [
  ["24h", "24 h", uptime(1)],
  ["30d", "30 days", uptime(30)],
  ["90d", "90 days", uptime(90)],
  ["p50", "p50, 24 h", ({ id }, history) => <Ms of={history.percentiles(id).p50} />],
  ["p95", "p95, 24 h", ({ id }, history) => <Ms of={history.percentiles(id).p95} />],
  ["certificate", "certificate", ({ certificateExpiresAt: until }, _, now) => (
    until === null ? <span class="none">–</span> : <DaysLeft until={until} now={now} />
  )],
];

/** A row a site; in groups, unless they are sorted otherwise. */
export function SiteTable(props: SiteTableProps) {
  const { sites, groups, query, history, checks, length, now } = props;
  const isGrouped = query.sort === "group" && groups.size > 1;
  return (
    <table class="sites">
      <caption class="hidden">Sites, with their uptime and response times</caption>
      <thead>
        <tr>
          {([["state", "state"], ["name", "site"], ...FIGURES] as const).map(([sort, title], n) => (
            <th
              scope="col"
              class={n > 1 ? `n c-${sort}` : undefined}
              aria-sort={query.sort !== sort
                ? undefined
                : sort === "state" || sort.startsWith("p")
                ? "descending"
                : "ascending"}
            >
              <a href={hrefOf({ ...query, sort: query.sort === sort ? "group" : sort, page: 1 })}>
                {title}
              </a>
            </th>
          ))}
          <th scope="col" class="cells">{checks ? `last ${length} checks` : "last 90 days"}</th>
        </tr>
      </thead>
      <tbody>
        {sites.map((site, n) => (
          <>
            {isGrouped && (n === 0 || groupOf(sites[n - 1]!) !== groupOf(site)) && (
              <tr class="group">
                <th scope="rowgroup" colspan={FIGURES.length + 3}>
                  {groupOf(site) || "no group"} <small>{count(groups.get(groupOf(site))!)}</small>
                </th>
              </tr>
            )}
            <Row site={site} history={history} now={now}>
              {checks
                ? <CheckStrip checks={checks.get(site.id) ?? []} length={length} />
                : <DayStrip days={history.days(site.id)} now={now} />}
            </Row>
          </>
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  site: SiteNow;
  history: History;
  now: number;
  children?: unknown;
}

function Row({ site, history, now, children }: RowProps) {
  const { id, state, since, name } = site;
  return (
    <tr data-site={id}>
      <td class="is">
        <StateWord state={state} />
      </td>
      <td class="name" title={name}>
        <a href={`/sites/${id}`}>{name}</a>{" "}
        <small class="since">{state !== "up" && <Since at={since} now={now} />}</small>
      </td>
      {FIGURES.map(([sort, title, figure]) => (
        <td class={`n c-${sort}`} data-of={title}>{figure(site, history, now)}</td>
      ))}
      <td class="cells">{children}</td>
    </tr>
  );
}
