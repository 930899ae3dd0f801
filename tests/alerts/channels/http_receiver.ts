/** A service on loopback that takes what its published schema allows, and answers as it does. */
import { Ajv } from "ajv";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** What was asked. */
export interface Request {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  // deno-lint-ignore no-explicit-any
  body: any;
}

export interface Answer {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

/** By what JSON Schema says and the two formats in use. */
export function validator(schema: object): (value: unknown) => string | null {
  const ajv = new Ajv({
    strict: false,
    formats: {
      "date-time": (text: string) =>
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) &&
        !Number.isNaN(Date.parse(text)),
      uri: (text: string) => URL.canParse(text),
    },
  });
  const validate = ajv.compile(schema);
  return (value) => validate(value) ? null : ajv.errorsText(validate.errors);
}

export function schemaOf(name: string): (value: unknown) => string | null {
  const file = new URL(`../../fixtures/alerts/${name}.schema.json`, import.meta.url);
  return validator(JSON.parse(Deno.readTextFileSync(file)));
}

/** @param answer What is wrong with a request makes it one of 400 */
export async function startHttp(
  answer: (request: Request) => Answer = () => ({ status: 200 }),
  check: (body: unknown) => string | null = () => null,
) {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const text = new TextDecoder().decode(Buffer.concat(chunks));
      const isJson = request.headers["content-type"]?.startsWith("application/json");
      const body = isJson ? JSON.parse(text) : text;
      const taken = { method: request.method!, path: request.url!, headers: request.headers, body };
      requests.push(taken);
      const wrong = check(body);
      const { status, body: said = "", headers } = wrong
        ? { status: 400, body: wrong, headers: {} }
        : answer(taken);
      response.writeHead(status, headers).end(said);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
