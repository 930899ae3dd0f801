import type { Context } from "hono";
import { showMatcher } from "../../config/matchers.ts";
import { type Incident, incidents } from "../data/incidents/incidents.ts";
import { acknowledge, addNote, type Note, notesOf } from "../data/incidents/notes.ts";
import { notificationsOf, type Owed } from "../data/monitor/pipeline.ts";
import { failuresOf } from "../data/past/failures.ts";
import { endSilence, silence, silences } from "../../db/silences.ts";
import type { Env, WebDeps } from "../env.ts";
import { message } from "./layout.tsx";
import { Ago, At, Mark, Send, Since, Table } from "./parts/basics.tsx";
import { plural, span } from "./parts/format.ts";
import { IncidentRows, inWords, markOf, Notifications } from "./parts/incident_rows.tsx";
import { pageIn, Pick } from "./parts/paging.tsx";
import { Failures } from "./parts/site_record.tsx";

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
const NOTIFICATIONS = 200;
const FAILURES = 5;
const MOST_TEXT = 4_000;

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

/** An incident: what was seen, what was said and done, who was told. */
export async function incidentPage(c: Context<Env>, { pool, clock }: WebDeps) {
  const id = c.req.param("id")!;
  const [[incident], notes, told] = await Promise.all([
    incidents(pool, { id, limit: 1 }),
    notesOf(pool, [id]),
    notificationsOf(pool, id, NOTIFICATIONS),
  ]);
  if (!incident) return noSuch(c);
  const now = clock.now();
  const { subject, siteId, severity, cause, locations, evidence } = incident;
  const { openedAt, acknowledgedAt, acknowledgedBy, closedAt } = incident;
  const kind = inWords(incident.kind);
  const csrf = c.get("csrf");
  const mayOperate = c.get("who").role === "operate";
  const isOpen = closedAt === null;
  const range = { since: openedAt, until: closedAt ?? now };
  const failures = siteId === null ? [] : await failuresOf(pool, siteId, range, FAILURES);
  return c.render(
    <>
      <div class="headline">
        <h1>
          <Mark state={markOf(incident.kind)} />{" "}
          {siteId === null ? subject : <a href={`/sites/${siteId}`}>{subject}</a>} {kind}
        </h1>
        <p class="dim">incident {id}, {severity}</p>
      </div>
      <p>
        {isOpen
          ? (
            <>
              open for <Since at={openedAt} now={now} />
            </>
          )
          : `over after ${span(closedAt - openedAt)}`}
        {acknowledgedAt !== null &&
          `, acknowledged${acknowledgedBy ? ` by ${acknowledgedBy}` : ""}`}
        {cause && `: ${cause}`}
        <span class="dim">{locations.length > 0 && ` seen from ${locations.join(", ")}`}</span>
      </p>
      {mayOperate && isOpen && acknowledgedAt === null && (
        <Send to={`/incidents/${id}/acknowledge`} csrf={csrf} says="Acknowledge" />
      )}
      {mayOperate && siteId !== null && (
        <Send to={`/incidents/${id}/silence`} csrf={csrf} says="Silence the site" as="filters">
          <select name="hours" aria-label="How long">
            {[1, 4, 24, 168].map((hours) => (
              <option value={hours}>{span(hours * 3_600_000)}</option>
            ))}
          </select>
          <input name="why" placeholder="why" aria-label="Why" required maxlength={200} />
        </Send>
      )}

      <h2>What was seen</h2>
      <Table
        of={evidence}
        none="Nothing is recorded."
        columns={{
          "from": ({ location, agent }) => location ?? agent,
          "since": ({ since }) => <At at={Date.parse(since)} />,
          "~what": ({ cause }) => cause,
        }}
      />

      {failures.length > 0 && <h2>What the site answered</h2>}
      {failures.length > 0 && <Failures of={failures} now={now} />}

      <h2>Timeline</h2>
      <ol class="timeline">
        {timeline(incident, notes, told).map(([at, what, who]) => (
          <li>
            <At at={at} to="second" />
            <span class="text">
              {what} <small>{who}</small>
            </span>
          </li>
        ))}
      </ol>
      {mayOperate && (
        <Send to={`/incidents/${id}/notes`} csrf={csrf} says="Add" as="fields">
          <label>
            A note
            <textarea name="text" rows={3} maxlength={MOST_TEXT} required></textarea>
          </label>
          <label>
            <input type="checkbox" name="public" value="yes" /> for the status page, too
          </label>
        </Send>
      )}

      <h2>Who was told</h2>
      <Notifications of={told} now={now} />
    </>,
    { title: `${subject} ${kind}` },
  );
}

function noSuch(c: Context<Env>) {
  return message(c, "No such incident", `There is no incident ${c.req.param("id")}.`);
}

/** All that happened, in order. */
function timeline(
  { kind, openedAt, acknowledgedAt, acknowledgedBy, closedAt }: Incident,
  notes: readonly Note[],
  told: readonly Owed[],
): [at: number, what: string, who: string][] {
  const moments: [number, string, string][] = [
    [openedAt, `Opened: ${inWords(kind)}`, ""],
    ...notes.filter(({ text }) => text !== ACKNOWLEDGED)
      .map(({ at, text, author, isPublic }): [number, string, string] => [
        at,
        text,
        `${author ?? ""}${isPublic ? " · public" : ""}`,
      ]),
    ...told.flatMap(({ sentAt, channel, event }): [number, string, string][] =>
      sentAt === null ? [] : [[sentAt, `Told ${channel}: ${event}`, ""]]
    ),
  ];
  if (acknowledgedAt !== null) moments.push([acknowledgedAt, ACKNOWLEDGED, acknowledgedBy ?? ""]);
  if (closedAt !== null) moments.push([closedAt, "Over", ""]);
  return moments.sort(([a], [b]) => a - b);
}

/** A note of this text is the API's, beside what the incident itself says. */
const ACKNOWLEDGED = "Acknowledged";

/** Takes it that somebody is at it. */
export async function acknowledgeIncident(c: Context<Env>, { operator }: WebDeps) {
  const id = c.req.param("id")!;
  await acknowledge(operator, id, c.get("who").name);
  return c.redirect(`/incidents/${id}`, 303);
}

export async function noteIncident(c: Context<Env>, { operator }: WebDeps) {
  const id = c.req.param("id")!;
  const form = await c.req.parseBody();
  const text = String(form.text ?? "").trim().slice(0, MOST_TEXT);
  const note = { author: c.get("who").name, isPublic: form.public === "yes", text };
  if (text !== "" && !await addNote(operator, id, note)) return noSuch(c);
  return c.redirect(`/incidents/${id}`, 303);
}

/** Nobody is told of the site for a while. */
export async function silenceSite(c: Context<Env>, { pool, operator }: WebDeps) {
  const [incident] = await incidents(pool, { id: c.req.param("id")!, limit: 1 });
  if (!incident) return noSuch(c);
  const { hours, why } = await c.req.parseBody();
  await silence(operator, {
    matchers: [{ name: "site", value: incident.subject, isRegex: false, isEqual: true }],
    seconds: Math.min(Math.max(Number(hours) || 1, 1), 168) * 3_600,
    why: String(why ?? "").slice(0, 200),
    createdBy: c.get("who").name,
  });
  return c.redirect("/incidents", 303);
}

export async function endSilenceNow(c: Context<Env>, { operator }: WebDeps) {
  await endSilence(operator, c.req.param("id")!);
  return c.redirect("/incidents", 303);
}
