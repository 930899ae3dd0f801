import type { Context } from "hono";
import { showMatcher } from "../../config/matchers.ts";
import { incidents } from "../data/incidents/incidents.ts";
import { endSilence, silences } from "../../db/silences.ts";
import type { Env, WebDeps } from "../env.ts";
import { Ago, Send, Table } from "./parts/basics.tsx";
import { plural } from "./parts/format.ts";
import { IncidentRows, inWords } from "./parts/incident_rows.tsx";
import { pageIn, Pick } from "./parts/paging.tsx";

const PAGE = 50;
const KINDS = [
  "down",
  "degraded",
  "unobserved",
  "agent_silent",
  "agent_network",
  "channel_failed",
  "slo",
];

/** Incidents: what is open, then what was, the newest first; and what is silenced. */
export async function incidentsPage(c: Context<Env>, { pool, clock, sites }: WebDeps) {
  const now = clock.now();
  const live = `/live?since=${sites.revision}`;
  const kind = c.req.query("kind") || undefined;
  const at = pageIn(c);
  const [open, over, silenced] = await Promise.all([
    incidents(pool, { open: true, kind, limit: 200 }),
    incidents(pool, { open: false, kind, limit: PAGE + 1, offset: (at - 1) * PAGE }),
    silences(pool),
  ]);
  const href = (page: number, of = kind) => {
    const params = { ...of && { kind: of }, ...page > 1 && { page: String(page) } };
    return `/incidents?${new URLSearchParams(params)}`;
  };
  const mayOperate = c.get("who").role === "operate";
  return c.render(
    <>
      <div class="headline">
        <h1>{open.length === 0 ? "No open incident" : plural(open.length, "open incident")}</h1>
        <p id="stale" hidden>
          <a href="">A site has changed: load again</a>
        </p>
        <Pick
          label="Kinds"
          of={[
            ["/incidents", "all kinds", kind === undefined],
            ...KINDS.map((one) => [href(1, one), inWords(one), kind === one] as const),
          ]}
        />
      </div>
      {open.length > 0 && at === 1 && <IncidentRows of={open} now={now} withSubject />}
      {silenced.length > 0 && <h2>Silenced</h2>}
      {silenced.length > 0 && (
        <Table
          of={silenced}
          columns={{
            "~what": ({ matchers }) => matchers.map(showMatcher).join(", ") || "everything",
            "until": ({ endsAt }) => <Ago at={endsAt} now={now} />,
            "~why": ({ why }) => why,
            "by": ({ createdBy }) => createdBy,
            "end": ({ id }) =>
              mayOperate && <Send to={`/silences/${id}/end`} csrf={c.get("csrf")} says="End" />,
          }}
        />
      )}
      <h2>Over</h2>
      <IncidentRows
        of={over.slice(0, PAGE)}
        now={now}
        withSubject
        none={
          <>
            None. <code>httpmon alerts -c …</code> makes incidents of what agents see.
          </>
        }
      />
      <Pick
        label="Pages of the table"
        of={[
          ...at > 1 ? [[href(at - 1), "newer", false] as const] : [],
          ...over.length > PAGE ? [[href(at + 1), "older", false] as const] : [],
        ]}
      />
    </>,
    { title: "Incidents", live },
  );
}

export async function endSilenceNow(c: Context<Env>, { operator }: WebDeps) {
  await endSilence(operator, c.req.param("id")!);
  return c.redirect("/incidents", 303);
}
