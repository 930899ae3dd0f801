/** The thread that serves a round's sites. */
import { answer } from "../../runtime/answer.ts";
import type { Served } from "./sites.ts";
import { Stalls } from "./stalls.ts";

const served: Served[] = [];
const { stalls } = Stalls.watch();
const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
const server = Deno.serve(options, ({ url }, { completed }) => {
  const from = Date.now();
  const request: Served = { url, since: stalls.since(from), from, to: null };
  served.push(request);
  completed.then(() => request.to = Date.now(), () => {});
  return new Response("fine");
});

const handlers = {
  origin: (_: null) => `http://127.0.0.1:${server.addr.port}`,
  seen: (_: null) => ({ served, stalledMs: stalls.most }),
};

export type SitesHandlers = typeof handlers;

answer(handlers);
