import type { Check } from "../../data/past/checks.ts";
import type { History } from "../../data/past/history.ts";
import { groupOf, type Sort } from "../../data/now/select.ts";
import type { SiteNow } from "../../data/now/sites.ts";
import { DaysLeft, Ms, Since, StateWord, Uptime } from "./basics.tsx";
import { count } from "./format.ts";
import { hrefOf, type Query } from "./query.ts";
import { CheckStrip, DayStrip } from "./strip.tsx";

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

const COLUMNS: [sort: Sort, title: string, isNumber?: true][] = [
  ["state", "state"],
  ["name", "site"],
  ["24h", "24 h", true],
  ["30d", "30 days", true],
  ["90d", "90 days", true],
  ["p50", "p50, 24 h", true],
  ["p95", "p95, 24 h", true],
  ["certificate", "certificate", true],
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
          {COLUMNS.map(([sort, title, isNumber]) => (
            <th
              scope="col"
              class={isNumber ? `n c-${sort}` : undefined}
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
                <th scope="rowgroup" colspan={COLUMNS.length + 1}>
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
  const { id, state, since, name, certificateExpiresAt } = site;
  const percentiles = history.percentiles(id);
  return (
    <tr data-site={id}>
      <td class="is">
        <StateWord state={state} />
      </td>
      <td class="name" title={name}>
        <a href={`/sites/${id}`}>{name}</a>{" "}
        <small class="since">{state !== "up" && <Since at={since} now={now} />}</small>
      </td>
      <td class="n" data-of="24 h">
        <Uptime of={history.uptime(id, 1)} />
      </td>
      <td class="n" data-of="30 d">
        <Uptime of={history.uptime(id, 30)} />
      </td>
      <td class="n c-90d" data-of="90 d">
        <Uptime of={history.uptime(id, 90)} />
      </td>
      <td class="n c-p50" data-of="p50">
        <Ms of={percentiles?.p50 ?? null} />
      </td>
      <td class="n" data-of="p95">
        <Ms of={percentiles?.p95 ?? null} />
      </td>
      <td class="n c-certificate" data-of="certificate">
        {certificateExpiresAt === null
          ? <span class="none">–</span>
          : <DaysLeft until={certificateExpiresAt} now={now} />}
      </td>
      <td class="cells">{children}</td>
    </tr>
  );
}
