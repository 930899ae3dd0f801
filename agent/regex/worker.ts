/** The thread that searches large bodies: one request at a time, one reply each. */
import { parentPort } from "node:worker_threads";
import { bodyText } from "./body_text.ts";
import { RegexCache } from "./cache.ts";
import type { SearchReply, SearchRequest } from "./protocol.ts";

const cache = new RegexCache();

function search({ pattern, body, charset }: SearchRequest): SearchReply {
  try {
    const regex = cache.get(pattern);
    return {
      ok: true,
      matched: regex.test(bodyText(body, charset)),
      programSize: regex.programSize(),
    };
  } catch (error) {
    return { ok: false, error: String(error) };
  }
}

parentPort!.on("message", (request: SearchRequest) => parentPort!.postMessage(search(request)));
