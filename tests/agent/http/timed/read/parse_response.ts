import { Buffer } from "node:buffer";
import { ExchangeFailure, type FailureClass } from "../../../../../agent/http/errors.ts";
import {
  type ResponseListener,
  ResponseParser,
} from "../../../../../agent/http/timed/read/response_parser.ts";
import type { ResponseHead } from "../../../../../agent/http/types.ts";

/** What a parser told of a response. */
export interface Parsed {
  heads: ResponseHead[];
  body: string;
  complete: number;
  reusable: boolean;
  /** How it failed, or null. */
  error: FailureClass | null;
}

/** Feeds the pieces, then the end of the connection unless it stays open. */
export function parse(
  pieces: Iterable<Uint8Array>,
  { stays = false, wanted = "read" as ReturnType<ResponseListener["onHead"]> } = {},
): Parsed {
  const parsed: Parsed = { heads: [], body: "", complete: 0, reusable: false, error: null };
  const parser = new ResponseParser({
    onHead(head) {
      parsed.heads.push(head);
      return wanted;
    },
    onBody: (piece) => parsed.body += piece.toString("latin1"),
    onComplete: () => parsed.complete++,
  });
  try {
    for (const piece of pieces) parser.write(Buffer.from(piece));
    if (!stays) parser.close();
  } catch (error) {
    if (!(error instanceof ExchangeFailure)) throw error;
    parsed.error = error.error.class;
  }
  parsed.reusable = parser.reusable;
  return parsed;
}

/** As docs/http.md has it: `200 "hello"`, or the class of the failure. */
export function outcomeOf(pieces: Iterable<Uint8Array>): string {
  const { heads, body, error } = parse(pieces);
  return error ?? `${heads[0]!.status} "${body}"`;
}
