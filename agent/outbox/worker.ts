/** The outbox's thread: a fsync may take long, and here nobody waits for it but the outbox. */
import { parentPort } from "node:worker_threads";
import type { Replies, Reply, Request } from "./protocol.ts";
import { failureOf } from "./sqlite_errors.ts";
import { OutboxStore } from "./store.ts";

let store: OutboxStore | null = null;

function opened(): OutboxStore {
  if (!store) throw new Error("The outbox is not open");
  return store;
}

function close(): void {
  const closing = store;
  store = null;
  closing?.close();
}

function handle(request: Request): Replies[keyof Replies] {
  switch (request.type) {
    case "open":
      close();
      store = new OutboxStore(request.options, request.damage);
      return store.opened;
    case "apply":
      return opened().apply(request.change);
    case "read":
      return opened().read(request.after, request.limit, request.maxBytes);
    case "close":
      close();
      return null;
  }
}

function reply(request: Request): Reply {
  try {
    return { ok: true, value: handle(request) };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

parentPort!.on("message", (request: Request) => parentPort!.postMessage(reply(request)));
