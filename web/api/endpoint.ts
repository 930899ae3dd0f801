import type { Hono } from "hono";
import { z } from "zod";
import { problem } from "../access/problem.ts";
import type { Env, Who } from "../env.ts";

type Shape = z.ZodRawShape;
type Of<S extends Shape> = z.output<z.ZodObject<S>>;

/** A request as an endpoint gets it: checked. */
export interface Asked<P extends Shape, Q extends Shape, B extends Shape> {
  params: Of<P>;
  query: Of<Q>;
  body: Of<B>;
  who: Who;
}

/** One operation: what it takes and gives is said once, for the check, the types and the description. */
export interface Endpoint<
  P extends Shape = Shape,
  Q extends Shape = Shape,
  B extends Shape = Shape,
  A extends z.ZodType = z.ZodType,
> {
  method: "get" | "post" | "delete";
  /** Below /api/v1, "/sites/{id}" for one. */
  path: string;
  summary: string;
  params?: P;
  query?: Q;
  body?: B;
  /** Makes the answer of what is given: what it does not name is left out. */
  answer: A;
  /** @throws {HTTPException} Where it cannot be done; its message is for who asked */
  handle: (asked: Asked<P, Q, B>) => Promise<Given<z.input<A>>> | Given<z.input<A>>;
}

/** What nobody changes. */
type Given<T> = T extends object ? { readonly [K in keyof T]: Given<T[K]> } : T;

/** For the types alone. */
export function endpoint<
  A extends z.ZodType,
  P extends Shape = Record<never, never>,
  Q extends Shape = Record<never, never>,
  B extends Shape = Record<never, never>,
>(one: Endpoint<P, Q, B, A>): Endpoint {
  return one as unknown as Endpoint;
}

/** Answers requests by an endpoint. */
export function serve(app: Hono<Env>, one: Endpoint): void {
  const params = z.object(one.params ?? {});
  const query = z.strictObject(one.query ?? {});
  const body = z.strictObject(one.body ?? {});
  app.on(one.method.toUpperCase(), one.path.replace(/\{(\w+)\}/g, ":$1"), async (c) => {
    const place = params.safeParse(c.req.param());
    if (!place.success) return problem(c, 404, "There is no such thing");
    const asked = query.safeParse(c.req.query());
    if (!asked.success) return problem(c, 400, wordsOf(asked.error));
    const given = body.safeParse(one.body ? await c.req.json().catch(() => null) : {});
    if (!given.success) return problem(c, 400, wordsOf(given.error));
    const answer = await one.handle({
      params: place.data,
      query: asked.data,
      body: given.data,
      who: c.get("who"),
    });
    return c.json(one.answer.parse(answer) as object, one.method === "post" ? 201 : 200);
  });
}

function wordsOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join(".") || "request"}: ${message}`)
    .join("; ");
}
