import { z } from "zod";
import { VERSION } from "../../runtime/cli/version.ts";
import type { Endpoint } from "./endpoint.ts";

type Json = Record<string, unknown>;

const PROBLEM: Json = {
  type: "object",
  required: ["type", "title", "status", "detail"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
  },
};

const REFUSALS = {
  400: "A parameter or the body is not as it should be",
  401: "Nobody who is known",
  403: "The role does not allow it, or the form token is missing",
  404: "There is no such thing",
  409: "It cannot be done as things are",
  500: "It failed; the log says why",
};

/** The description of the endpoints, OpenAPI 3.1, made of the schemas that requests are held against. */
export function openApi(endpoints: readonly Endpoint[]): Json {
  const paths: Record<string, Json> = {};
  for (const one of endpoints) (paths[one.path] ??= {})[one.method] = operation(one);
  return {
    openapi: "3.1.0",
    info: {
      title: "httpmon",
      version: VERSION,
      description: "Sites, their results and incidents. Times are ISO 8601 in UTC. Lists come by " +
        'pages: pass "next" as "cursor" for the one after.',
    },
    servers: [{ url: "/api/v1" }],
    security: [{ token: [] }],
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      responses: Object.fromEntries(
        Object.entries(REFUSALS).map(([status, description]) => [status, {
          description,
          content: {
            "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
          },
        }]),
      ),
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

function operation({ method, summary, params = {}, query = {}, body, answer }: Endpoint): Json {
  const parameters = [
    ...Object.entries(params).map(([name, schema]) => parameter("path", name, schema)),
    ...Object.entries(query).map(([name, schema]) => parameter("query", name, schema)),
  ];
  const done = method === "post" ? 201 : 200;
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: schemaOf(z.strictObject(body), "input") } },
      },
    }),
    responses: {
      [done]: {
        description: "Done",
        content: { "application/json": { schema: schemaOf(answer, "output") } },
      },
      ...Object.fromEntries(
        Object.keys(REFUSALS).map((status) => [status, {
          $ref: `#/components/responses/${status}`,
        }]),
      ),
    },
  };
}

function parameter(place: "path" | "query", name: string, schema: z.core.$ZodType): Json {
  const { description, ...rest } = schemaOf(schema, "output");
  return {
    name,
    in: place,
    required: place === "path",
    ...(description !== undefined && { description }),
    schema: rest,
  };
}

function schemaOf(schema: z.core.$ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: "draft-2020-12" });
  return rest;
}
