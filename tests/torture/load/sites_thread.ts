/** The thread that serves a round's sites. */
import { answer } from "../../../runtime/thread/answer.ts";
import type { Served } from "./sites.ts";
import { Stalls } from "../seen/stalls.ts";

const served: Served[] = [];
/** Which sites are down, and how often each has answered since that was said. */
let now = { down: new Set<string>(), answers: new Map<string, number>() };
const { stalls } = Stalls.watch();
const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
const server = Deno.serve(options, ({ url }, { completed }) => {
  const from = Date.now();
  const { down, answers } = now;
  const request: Served = { url, since: stalls.since(from), from, to: null };
  served.push(request);
  completed.then(() => {
    request.to = Date.now();
    answers.set(url, (answers.get(url) ?? 0) + 1);
  }, () => {});
  return new Response("fine", { status: down.has(url) ? 503 : 200 });
});

const handlers = {
  origin: (_: null) => `http://127.0.0.1:${server.addr.port}`,
  seen: (_: null) => ({ served, stalledMs: stalls.most }),
  setDown(urls: readonly string[]) {
    now = { down: new Set(urls), answers: new Map() };
  },
  answers: (urls: readonly string[]) => Math.min(...urls.map((url) => now.answers.get(url) ?? 0)),
};

export type SitesHandlers = typeof handlers;

answer(handlers);
