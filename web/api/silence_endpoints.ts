import { HTTPException } from "hono/http-exception";
import { z } from "zod";
import { parseMatcher, showMatcher } from "../../config/matchers.ts";
import { endSilence, type Silence, silence, silences } from "../../db/silences.ts";
import { time } from "../data/shape.ts";
import type { WebDeps } from "../env.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";
import { rowId } from "./schemas.ts";

const answer = z.object({
  id: z.string(),
  matchers: z.array(z.string()).describe("All must hold; none: everything is silenced"),
  startsAt: time,
  endsAt: time,
  why: z.string(),
  createdBy: z.string().nullable(),
  held: z.int().describe("Incidents that it holds back"),
});

const matcher = z.string().refine((text) => parseMatcher(text) !== null, {
  error: 'expected a matcher such as group="web", severity!="warning" or site=~"shop.*"',
});
const MOST_SECONDS = 366 * 86_400;

/** When nobody is told of what opens. */
export function silenceEndpoints({ pool, operator }: WebDeps): Endpoint[] {
  return [
    endpoint({
      method: "get",
      path: "/silences",
      summary: "Silences that are not over",
      answer: z.object({ data: z.array(answer) }),
      handle: async () => ({ data: (await silences(pool)).map(shown) }),
    }),
    endpoint({
      method: "post",
      path: "/silences",
      summary: "Tell nobody of what opens for some time",
      body: {
        matchers: z.array(matcher).max(50),
        seconds: z.int().min(1).max(MOST_SECONDS),
        why: z.string().trim().min(1).max(1_000),
      },
      answer,
      handle: async ({ body: { matchers, seconds, why }, who }) => {
        const id = await silence(operator, {
          matchers: matchers.map((text) => parseMatcher(text)!),
          seconds,
          why,
          createdBy: who.name,
        });
        return shown((await silences(operator, id))[0]!);
      },
    }),
    endpoint({
      method: "delete",
      path: "/silences/{id}",
      summary: "End a silence; what it held back is told",
      params: { id: rowId },
      answer,
      handle: async ({ params: { id } }) => {
        if (!await endSilence(operator, id)) {
          throw new HTTPException(404, { message: `Silence ${id} is over, or there is none` });
        }
        return shown((await silences(operator, id))[0]!);
      },
    }),
  ];
}

function shown(one: Silence): z.input<typeof answer> {
  return { ...one, matchers: one.matchers.map(showMatcher) };
}
