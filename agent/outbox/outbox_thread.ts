/** The outbox's thread: a fsync may take long, and here nobody waits for it but the outbox. */
import { answer } from "../../runtime/thread/answer.ts";
import type { FileOptions } from "./open_file.ts";
import { failureKind } from "./sqlite_errors.ts";
import { type Change, OutboxStore, type ReadRequest } from "./store.ts";

let store: OutboxStore | null = null;

const handlers = {
  open({ now, damage, ...options }: FileOptions & { now: number; damage: string | null }) {
    handlers.close();
    store = new OutboxStore(options, now, damage);
    return store.opened;
  },
  apply: (change: Change) => store!.apply(change),
  read: (request: ReadRequest) => store!.read(request),
  close() {
    store?.close();
    store = null;
  },
};

export type OutboxHandlers = typeof handlers;

answer(handlers, failureKind);
