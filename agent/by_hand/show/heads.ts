import { Buffer } from "node:buffer";
import { cleanLine } from "../../http/text.ts";
import { encodeRequest } from "../../http/timed/request_head.ts";
import { parseTarget } from "../../http/target.ts";
import { type HttpRecord, type HttpRequest, whole } from "../../http/types.ts";

const MAX_LINE = 2_048;

/** The head of the first request, as HTTP/1.1 has it; none where there was no request to make. */
export function requestHead(request: HttpRequest): string[] {
  try {
    const encoded = encodeRequest(whole(request), parseTarget(request.url));
    const [head = ""] = Buffer.from(encoded).toString().split("\r\n\r\n");
    return head.split("\r\n").map(line);
  } catch {
    return [];
  }
}

/** The head of the last response; none where none came. */
export function responseHead({ status, statusText, httpVersion, headers }: HttpRecord): string[] {
  if (status === null) return [];
  return [
    `HTTP/${httpVersion ?? "?"} ${status} ${statusText}`.trimEnd(),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ].map(line);
}

function line(text: string): string {
  return cleanLine(text, MAX_LINE);
}
