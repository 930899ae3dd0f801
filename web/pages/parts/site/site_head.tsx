import type { SiteNow } from "../../../data/now/site_now.ts";
import { type Range, RANGES } from "../../../data/past/range.ts";
import type { FromAgent } from "../../../data/past/series.ts";
import { Ago, Mark, Since } from "../basics.tsx";
import { plural, span } from "../format.ts";
import { Pick } from "../paging.tsx";
import { noticedBy, whyOf } from "../why.ts";
import { IncidentLink } from "../wrong.tsx";

interface HeadProps {
  /** Null: not heard of lately. */
  site: SiteNow | null;
  known: { name: string; url: string };
  now: number;
}

/** How a site is now, since when and why. */
export function Head({ site, known, now }: HeadProps) {
  const { name, url } = known;
  return (
    <>
      <div class="headline">
        <h1>
          <Mark state={site?.state ?? "unobserved"} /> {name}
        </h1>
        <p class="dim">
          {site === null ? "no result in the last 26 hours" : (
            <>
              last result <Ago at={site.lastResult} now={now} />
              {site.frequency !== null && `, every ${span(site.frequency * 1_000)}`}, from{" "}
              {site.locations.length > 3
                ? plural(site.locations.length, "location")
                : site.locations.join(", ")}
            </>
          )}
        </p>
      </div>
      <p>
        {site === null
          ? "Is it in an agent's config, and does that agent run? What was before is in the longer ranges."
          : (
            <>
              <b class={`state ${site.state}`}>{site.state}</b> for{" "}
              <Since at={site.since} now={now} />
              {site.state !== "up" && site.state !== "maintenance" && `: ${whyOf(site)}`}{" "}
              <span class="dim">{noticedBy(site)}</span> <IncidentLink site={site} />
            </>
          )}
      </p>
      {name !== url && <p class="dim text">{url}</p>}
    </>
  );
}

/** The choice of a range, and of an agent. */
export function RangePicker({ id, range, agent, agents }: {
  id: number;
  range: Range;
  /** Null: all. */
  agent: number | null;
  agents: readonly FromAgent[];
}) {
  const ofAgent = agent === null ? "" : `&agent=${agent}`;
  const field = (ms: number) => new Date(ms).toISOString().slice(0, 16);
  return (
    <form class="filters" action={`/sites/${id}`} data-submit>
      <Pick
        label="Ranges"
        of={Object.keys(RANGES).map((name) => [
          `/sites/${id}?range=${name}${ofAgent}`,
          name.replace(/(\D)/, " $1"),
          name === range.name,
        ])}
      />
      <label>
        from <input type="datetime-local" name="from" value={field(range.since)} />
      </label>
      <label>
        to <input type="datetime-local" name="to" value={field(range.until)} /> <small>UTC</small>
      </label>
      {agents.length > 1 && (
        <select name="agent" aria-label="Agent">
          <option value="">everywhere</option>
          {agents.map(({ agentId, place }) => (
            <option value={agentId} selected={agentId === agent}>
              {place}
            </option>
          ))}
        </select>
      )}
      <button type="submit">Show</button>
    </form>
  );
}
