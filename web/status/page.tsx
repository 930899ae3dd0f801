import type { WebStatus } from "../../config/types.ts";
import { assetUrl } from "../assets/index.ts";
import { DAY_MS } from "../data/past/history.ts";
import type { State } from "../data/now/site_state.ts";
import { bare } from "../pages/bare.tsx";
import { Mark, Uptime } from "../pages/parts/basics.tsx";
import { dayInWords, exact, span } from "../pages/parts/format.ts";
import { DayStrip, Hatch } from "../pages/parts/strip.tsx";
import type { PublicIncident, PublicMaintenance, StatusView } from "./view.ts";

export const COLOURS_URL = "/status/colours.css";
export const FEED_URL = "/feed.atom";

/** For the public; "unknown" would be read as bad, "unobserved" as nothing at all. */
const WORDS: Record<State, string> = {
  up: "works",
  degraded: "works in part",
  down: "down",
  maintenance: "maintenance",
  unknown: "no data",
  unobserved: "no data",
};

const MARKS: Record<StatusView["indicator"], State> = {
  none: "up",
  minor: "degraded",
  major: "down",
  critical: "down",
  maintenance: "maintenance",
};

/** The page for the public: one column, which says everything without JavaScript. */
export function statusPage(view: StatusView, status: WebStatus, logo: string | null) {
  const open = view.incidents.filter(({ closedAt }) => closedAt === null);
  const past = view.incidents.filter(({ closedAt }) => closedAt !== null);
  const days = Map.groupBy(past, ({ openedAt }) => Math.floor(openedAt / DAY_MS));
  const mark = MARKS[view.indicator];
  const head = (
    <>
      {Object.keys(status.colours).length > 0 && <link rel="stylesheet" href={COLOURS_URL} />}
      <link rel="alternate" type="application/atom+xml" title={status.title} href={FEED_URL} />
      <script src={assetUrl("client.js")} defer></script>
    </>
  );
  return bare(
    status.title,
    <main id="main" class="public" data-refresh="60">
      <header>
        {logo && <Brand status={status} logo={logo} />}
        <h1>{status.title}</h1>
      </header>
      <p class="headline overall">
        <strong>
          <Mark state={mark} /> {view.words}
        </strong>
        <small>
          as of <At at={view.asOf} />
        </small>
      </p>
      {open.length > 0 && (
        <section aria-label="Open incidents">
          {open.map((incident) => <Incident incident={incident} asOf={view.asOf} />)}
        </section>
      )}
      {view.maintenance.length > 0 && (
        <section>
          <h2>Maintenance</h2>
          {view.maintenance.map((one) => <Maintenance maintenance={one} asOf={view.asOf} />)}
        </section>
      )}
      {view.groups.map((group) => (
        <section>
          <h2>
            <span>{group.name}</span>
            <small>
              <Uptime of={group.uptime} /> in 90 days
            </small>
          </h2>
          <ul>
            {group.sites.map(({ name, state, uptime, days }) => (
              <li>
                <span class="what">{name}</span>
                <span class={`state ${state}`}>
                  <Mark state={state} /> {WORDS[state]}
                </span>
                <DayStrip days={days} now={view.asOf} />
                <small class="uptime">
                  <Uptime of={uptime} />
                </small>
              </li>
            ))}
          </ul>
          {group.sites.length === 0 && <p class="none">Nothing of it has been seen of late.</p>}
        </section>
      ))}
      <section>
        <h2>Past incidents</h2>
        {past.length === 0 && <p class="none">None in the last 14 days.</p>}
        {[...days].map(([day, those]) => (
          <>
            <h3>
              <At at={day * DAY_MS} day />
            </h3>
            {those.map((incident) => <Incident incident={incident} asOf={view.asOf} />)}
          </>
        ))}
      </section>
      <Hatch />
      <footer>
        Subscribe: <a href={FEED_URL}>feed</a>
      </footer>
    </main>,
    { more: head },
  );
}

/** A time in the reader's zone, where there is a script, else in UTC. */
function At({ at, day = false }: { at: number; day?: boolean }) {
  const text = day ? dayInWords(at) : exact(at);
  return (
    <time datetime={new Date(at).toISOString()} data-local={day ? null : ""}>
      {text}
    </time>
  );
}

function Brand({ status: { homepage, title }, logo }: { status: WebStatus; logo: string }) {
  const image = <img src={logo} alt={homepage === null ? "" : title} height="32" />;
  return homepage === null ? image : <a href={homepage}>{image}</a>;
}

function Incident({ incident, asOf }: { incident: PublicIncident; asOf: number }) {
  const { id, title, openedAt, closedAt, notes } = incident;
  return (
    <article id={`incident-${id}`}>
      <p>
        <strong>{title}</strong>
        <small>
          since <At at={openedAt} />,{" "}
          {closedAt === null
            ? `for ${span(asOf - openedAt)}`
            : `lasted ${span(closedAt - openedAt)}`}
        </small>
      </p>
      {notes.toReversed().map(({ at, text }) => (
        <p class="note">
          <At at={at} /> {text}
        </p>
      ))}
    </article>
  );
}

function Maintenance({ maintenance: { sites, from, to }, asOf }: {
  maintenance: PublicMaintenance;
  asOf: number;
}) {
  return (
    <p>
      <strong>{sites.map(({ name }) => name).join(", ")}</strong>
      <small>
        {from <= asOf ? "under way since " : "from "}
        <At at={from} /> to <At at={to} />
      </small>
    </p>
  );
}
