import type { Context } from "hono";
import type { CurrentSites } from "../data/now/current_sites.ts";
import { BY_URGENCY, countStates, type Summary } from "../data/now/selection.ts";
import { lastChecks } from "../data/past/results.ts";
import type { Env } from "../env.ts";
import type { PageDeps } from "./index.tsx";
import { QUIET_MS } from "./parts/amiss.ts";
import { Ago, DaysLeft, Mark, Search, StateWord } from "./parts/basics.tsx";
import { count, monthInWords, percent, plural } from "./parts/format.ts";
import { pageOf, Pages, Pick } from "./parts/paging.tsx";
import { hrefOf, type Query, queryOf } from "./parts/query.ts";
import { SiteTable } from "./parts/site/site_table.tsx";
import { headline, Wrong } from "./parts/wrong.tsx";

const PAGE = 100;
/** Of a strip. */
const CHECKS = 60;
/** Of the choices of a filter. */
const MOST_CHOICES = 200;

/** What is wrong now, and all sites. What is chosen is in the address. */
export async function overviewPage(c: Context<Env>, deps: PageDeps) {
  const { sites, history, clock, pool, selections } = deps;
  const now = clock.now();
  const query = queryOf(c);
  const counts = countStates(sites.all());
  const live = `/live?since=${sites.revision}`;
  const { ids, groups } = selections.of(query);
  const { at, pages, shown } = pageOf(ids, query.page, PAGE);
  const checks = query.strip === "checks" ? await lastChecks(pool, shown, CHECKS) : null;
  const summary = selections.summary();
  const total = plural(sites.size, "site");
  return c.render(
    <>
      <section aria-label="Now" id="now">
        <Wrong sites={sites} counts={counts} now={now} />
      </section>
      {sites.size > 0 && <Monitor sites={sites} summary={summary} now={now} />}
      {sites.size === 0
        ? <Nothing isRead={history.revision > 0} />
        : (
          <section aria-label="All sites">
            <Filters query={query} summary={summary} />
            <p class="dim" role="status">
              {ids.length < sites.size ? `${count(ids.length)} of ${total}` : total}
            </p>
            {ids.length === 0
              ? (
                <p>
                  None is so: <a href="/">show all</a>
                </p>
              )
              : (
                <SiteTable
                  sites={shown.map((id) => sites.get(id)!)}
                  groups={groups}
                  query={query}
                  history={history}
                  checks={checks}
                  length={CHECKS}
                  now={now}
                />
              )}
            <Pages at={at} of={pages} href={(page) => hrefOf({ ...query, page })} />
          </section>
        )}
    </>,
    { title: headline(counts), live },
  );
}

function Nothing({ isRead }: { isRead: boolean }) {
  return (
    <p data-empty>
      {isRead
        ? (
          <>
            Is an agent running? <code>httpmon agent -c …</code> And a writer?{" "}
            <code>httpmon writer -c …</code> The <a href="/pipeline">pipeline</a>{" "}
            says how far results come; what was before is in the <a href="/reports">reports</a>.
          </>
        )
        : "Reading what is there; look again in a moment."}
    </p>
  );
}

/** What else one comes to ask: how the monitor is, how last month was, what ends next. */
function Monitor({ sites, summary, now }: { sites: CurrentSites; summary: Summary; now: number }) {
  const { agentsHeard, agentsSilent, nextCertificate, lastMonth } = summary;
  const next = nextCertificate && sites.get(nextCertificate.id);
  const isLate = sites.failingSince !== null || now - sites.latest.newest > QUIET_MS;
  return (
    <p class="dim lines">
      <span>
        <Mark state={isLate || agentsSilent > 0 ? "degraded" : "up"} />{" "}
        <a href="/pipeline">Monitor</a>: last result <Ago at={sites.latest.newest} now={now} /> from
        {" "}
        <a href="/agents">{plural(agentsHeard, "agent")}</a>
        {agentsSilent > 0 && (
          <>
            , <StateWord state="unobserved" word={`${agentsSilent} silent`} />
          </>
        )}
      </span>
      {lastMonth && (
        <span>
          <a href={`/reports/${lastMonth.name}`}>{monthInWords(lastMonth.name)}</a>{" "}
          {percent(lastMonth.uptime)} % up
        </span>
      )}
      {next && nextCertificate && (
        <span>
          <a href="/?sort=certificate">Next certificate</a> ends in{" "}
          <DaysLeft until={nextCertificate.expiresAt} now={now} />, of{" "}
          <span class="name">
            <a href={`/sites/${next.id}`}>{next.name}</a>
          </span>
        </span>
      )}
    </p>
  );
}

function Filters({ query, summary }: { query: Query; summary: Summary }) {
  const [labels, locations] = [summary.labels, summary.locations]
    .map((all) => all.slice(0, MOST_CHOICES)) as [string[], string[]];
  const select = (name: string, what: string, value: string, choices: readonly string[]) => (
    <select name={name} aria-label={what}>
      <option value="">{what}</option>
      {choices.map((choice) => <option selected={choice === value}>{choice}</option>)}
    </select>
  );
  return (
    <form class="filters" action="/" role="search" data-submit>
      <Search value={query.text} />
      {select("state", "any state", query.state, BY_URGENCY)}
      {labels.length > 0 && select("label", "any label", query.label, labels)}
      {locations.length > 1 &&
        select("location", "anywhere", query.location, locations)}
      {query.sort !== "group" && <input type="hidden" name="sort" value={query.sort} />}
      {query.strip !== "days" && <input type="hidden" name="strip" value={query.strip} />}
      <button type="submit">Show</button>
      <Pick
        label="Strips"
        of={([["days", "90 days"], ["checks", `${CHECKS} checks`]] as const).map(([strip, says]) =>
          [hrefOf({ ...query, strip }), says, query.strip === strip] as const
        )}
      />
    </form>
  );
}
