import type { Context } from "hono";
import { type Incident, incidents } from "../data/incidents.ts";
import { acknowledge, addNote, type Note, notesOf } from "../data/notes.ts";
import { notificationsOf, type Owed } from "../data/pipeline.ts";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";
import { messagePage } from "./message.tsx";
import { At, Mark, Since } from "./parts/basics.tsx";
import { plural, span } from "./parts/format.ts";
import { IncidentRows, markOf } from "./parts/incident_rows.tsx";
import { NotificationRows } from "./parts/notification_rows.tsx";

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
const MOST_TEXT = 4_000;

/** Incidents: what is open, then what was, the newest first. */
export async function incidentsPage(c: Context<Env>, deps: WebDeps) {
  const { pool, clock } = deps;
  const now = clock.now();
  const kind = c.req.query("kind") || undefined;
  const at = Math.max(1, Math.floor(Number(c.req.query("page")) || 1));
  const [open, over] = await Promise.all([
    incidents(pool, { open: true, kind, limit: 200 }),
    incidents(pool, { open: false, kind, limit: PAGE + 1, offset: (at - 1) * PAGE }),
  ]);
  const href = (page: number, of = kind) =>
    `/incidents?${new URLSearchParams({
      ...of && { kind: of },
      ...page > 1 && { page: String(page) },
    })}`;
  return page(
    c,
    deps,
    { title: "Incidents", live: "/live" },
    (
      <>
        <div class="headline">
          <h1>{open.length === 0 ? "No open incident" : plural(open.length, "open incident")}</h1>
          <p id="stale" hidden>
            <a href="">A site has changed: load again</a>
          </p>
          <p class="pick">
            <a href="/incidents" aria-current={kind === undefined ? "true" : undefined}>
              all kinds
            </a>
            {KINDS.map((one) => (
              <a href={href(1, one)} aria-current={kind === one ? "true" : undefined}>
                {one.replaceAll("_", " ")}
              </a>
            ))}
          </p>
        </div>
        {open.length > 0 && at === 1 && <IncidentRows incidents={open} now={now} of />}
        <h2>Over</h2>
        {over.length === 0 && at === 1
          ? (
            <p class="dim">
              None yet. <code>httpmon alerts -c …</code> makes incidents of what agents see.
            </p>
          )
          : <IncidentRows incidents={over.slice(0, PAGE)} now={now} of />}
        <nav class="pick pages" aria-label="Pages of the table">
          {at > 1 && <a href={href(at - 1)}>newer</a>}
          {over.length > PAGE && <a href={href(at + 1)}>older</a>}
        </nav>
      </>
    ),
  );
}

/** An incident: what was seen, what was said and done, who was told. */
export async function incidentPage(c: Context<Env>, deps: WebDeps) {
  const { pool, clock } = deps;
  const id = c.req.param("id")!;
  const [[incident], notes, told] = await Promise.all([
    incidents(pool, { id, limit: 1 }),
    notesOf(pool, [id]),
    notificationsOf(pool, id, NOTIFICATIONS),
  ]);
  if (!incident) {
    return messagePage(c, deps, "No such incident", `There is no incident ${id}.`, 404);
  }
  const now = clock.now();
  const { kind, subject, siteId, severity, cause, locations, evidence } = incident;
  const { openedAt, acknowledgedAt, acknowledgedBy, closedAt } = incident;
  const mayOperate = c.get("who").role === "operate";
  const csrf = <input type="hidden" name="csrf" value={c.get("csrf")} />;
  return page(
    c,
    deps,
    { title: `${subject} ${kind}` },
    (
      <>
        <div class="headline">
          <h1>
            <Mark state={markOf(kind)} />{" "}
            {siteId === null ? subject : <a href={`/sites/${siteId}`}>{subject}</a>}{" "}
            {kind.replaceAll("_", " ")}
          </h1>
          <p class="dim">incident {id}, {severity}</p>
        </div>
        <p>
          {closedAt === null
            ? (
              <>
                <b>open</b> for <Since at={openedAt} now={now} />
                {acknowledgedAt !== null &&
                  `, acknowledged${acknowledgedBy ? ` by ${acknowledgedBy}` : ""}`}
              </>
            )
            : <>over after {span(closedAt - openedAt)}</>}
          {cause && <>: {cause}</>}
          <span class="dim">{locations.length > 0 && ` seen from ${locations.join(", ")}`}</span>
        </p>
        {mayOperate && closedAt === null && acknowledgedAt === null && (
          <form method="post" action={`/incidents/${id}/acknowledge`}>
            {csrf}
            <button type="submit">Acknowledge</button>
          </form>
        )}

        <h2>What was seen</h2>
        {evidence.length === 0 ? <p>Nothing is recorded.</p> : (
          <div class="wide">
            <table>
              <thead>
                <tr>
                  <th scope="col">from</th>
                  <th scope="col">since</th>
                  <th scope="col">what</th>
                </tr>
              </thead>
              <tbody>
                {evidence.map((one) => (
                  <tr>
                    <td title={one.agent}>{one.location ?? one.agent}</td>
                    <td>
                      <At at={Date.parse(one.since)} />
                    </td>
                    <td class="text">{one.cause}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}

        <h2>Timeline</h2>
        <ol class="timeline">
          {timeline(incident, notes, told).map(({ at, what, who, isPublic }) => (
            <li>
              <At at={at} /> <span class="text">{what}</span>{" "}
              <small>
                {who}
                {isPublic && " · public"}
              </small>
            </li>
          ))}
        </ol>
        {mayOperate && (
          <form method="post" action={`/incidents/${id}/notes`} class="note">
            {csrf}
            <label>
              A note
              <textarea name="text" rows={3} maxlength={MOST_TEXT} required></textarea>
            </label>
            <label>
              <input type="checkbox" name="public" value="yes" /> for the status page, too
            </label>
            <button type="submit">Add</button>
          </form>
        )}

        <h2>Who was told</h2>
        {told.length === 0 ? <p>Nobody.</p> : <NotificationRows notifications={told} now={now} />}
      </>
    ),
  );
}

interface Moment {
  at: number;
  what: string;
  who: string;
  isPublic?: boolean;
}

/** All that happened, in order. */
function timeline(incident: Incident, notes: readonly Note[], told: readonly Owed[]): Moment[] {
  const { kind, openedAt, acknowledgedAt, closedAt } = incident;
  const moments: Moment[] = [
    { at: openedAt, what: `Opened: ${kind.replaceAll("_", " ")}`, who: "" },
    ...notes.map(({ at, text, author, isPublic }) => ({
      at,
      what: text,
      who: author ?? "",
      isPublic,
    })),
    ...told.filter(({ sentAt }) => sentAt !== null).map(({ sentAt, channel, event }) => ({
      at: sentAt!,
      what: `Told ${channel}: ${event}`,
      who: "",
    })),
  ];
  const isNoted = notes.some(({ text }) => text === ACKNOWLEDGED);
  if (acknowledgedAt !== null && !isNoted) {
    moments.push({ at: acknowledgedAt, what: ACKNOWLEDGED, who: "" });
  }
  if (closedAt !== null) moments.push({ at: closedAt, what: "Over", who: "" });
  return moments.sort((a, b) => a.at - b.at);
}

const ACKNOWLEDGED = "Acknowledged";

/** Takes it that somebody is at it. */
export async function acknowledgeIncident(c: Context<Env>, { operator }: WebDeps) {
  const id = c.req.param("id")!;
  const author = c.get("who").name;
  if (await acknowledge(operator, id, author)) {
    await addNote(operator, id, { author, isPublic: false, text: ACKNOWLEDGED });
  }
  return c.redirect(`/incidents/${id}`, 303);
}

export async function noteIncident(c: Context<Env>, deps: WebDeps) {
  const id = c.req.param("id")!;
  const form = await c.req.parseBody();
  const text = String(form.text ?? "").trim().slice(0, MOST_TEXT);
  const note = { author: c.get("who").name, isPublic: form.public === "yes", text };
  if (text !== "" && !await addNote(deps.operator, id, note)) {
    return messagePage(c, deps, "No such incident", `There is no incident ${id}.`, 404);
  }
  return c.redirect(`/incidents/${id}`, 303);
}
