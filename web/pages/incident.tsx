import type { Context } from "hono";
import { type Incident, incidents } from "../data/incidents/incidents.ts";
import { acknowledge, addNote, type Note, notesOf } from "../data/incidents/notes.ts";
import { notificationsOf, type Owed } from "../data/monitor/pipeline.ts";
import { failuresOf } from "../data/past/failures.ts";
import { silence } from "../../db/silences.ts";
import type { Env, WebDeps } from "../env.ts";
import { message } from "./layout.tsx";
import { At, Mark, Send, Since, Table } from "./parts/basics.tsx";
import { span } from "./parts/format.ts";
import { inWords, markOf, Notifications } from "./parts/incident_rows.tsx";
import { Failures } from "./parts/site/site_record.tsx";

const NOTIFICATIONS = 200;
const FAILURES = 5;
const MOST_TEXT = 4_000;

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
