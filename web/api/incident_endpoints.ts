import { HTTPException } from "hono/http-exception";
import { z } from "zod";
import { incident, incidents } from "../data/incidents/incidents.ts";
import { acknowledge, addNote, notesOf } from "../data/incidents/notes.ts";
import { time } from "../data/shape.ts";
import type { WebDeps } from "../env.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";
import { cursorOf, pageOf, paging, placeOf, rowId, whole } from "./schemas.ts";

const note = z.object({
  at: time,
  author: z.string().nullable(),
  public: z.boolean(),
  text: z.string(),
});

/** Above all ids. */
const NEWEST = "9".repeat(18);

const withNotes = incident.extend({ notes: z.array(note) });
const text = z.string().trim().min(1).max(4_000);

/** What went wrong, and what people say and do about it. */
export function incidentEndpoints({ pool, operator }: WebDeps): Endpoint[] {
  const detail = async (id: string): Promise<z.input<typeof withNotes>> => {
    const [found] = await incidents(pool, { id, limit: 1 });
    if (!found) throw new HTTPException(404, { message: `There is no incident ${id}` });
    const notes = await notesOf(pool, [id]);
    return { ...found, notes: notes.map((one) => ({ ...one, public: one.isPublic })) };
  };
  return [
    endpoint({
      method: "get",
      path: "/incidents",
      summary: "Incidents, the newest first",
      query: {
        ...paging,
        state: z.enum(["open", "closed"]).optional(),
        site: whole(1, 2 ** 31 - 1).optional().describe("Its id"),
      },
      answer: pageOf(incident),
      handle: async ({ query: { limit, cursor, state, site } }) => {
        const found = await incidents(pool, {
          open: state && state === "open",
          siteId: site,
          before: placeOf(cursor, rowId) ?? NEWEST,
          limit: limit + 1,
        });
        const data = found.slice(0, limit);
        return { data, next: found.length > limit ? cursorOf(data.at(-1)!.id) : null };
      },
    }),
    endpoint({
      method: "get",
      path: "/incidents/{id}",
      summary: "An incident, with what was said of it",
      params: { id: rowId },
      answer: withNotes,
      handle: ({ params }) => detail(params.id),
    }),
    endpoint({
      method: "post",
      path: "/incidents/{id}/acknowledge",
      summary: "Say that somebody is at it",
      params: { id: rowId },
      answer: withNotes,
      handle: async ({ params, who }) => {
        const before = await detail(params.id);
        if (before.acknowledgedAt !== null) return before;
        if (!await acknowledge(operator, params.id, who.name)) {
          throw new HTTPException(409, { message: "It is over already" });
        }
        await addNote(operator, params.id, {
          author: who.name,
          isPublic: false,
          text: "Acknowledged",
        });
        return await detail(params.id);
      },
    }),
    endpoint({
      method: "post",
      path: "/incidents/{id}/notes",
      summary: "Say something of an incident; what is public is on the status page",
      params: { id: rowId },
      body: { text, public: z.boolean().default(false) },
      answer: withNotes,
      handle: async ({ params, body, who }) => {
        const note = { author: who.name, isPublic: body.public, text: body.text };
        await addNote(operator, params.id, note);
        return await detail(params.id);
      },
    }),
  ];
}
