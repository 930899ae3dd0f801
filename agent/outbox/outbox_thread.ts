/** The outbox's thread: a fsync may take long, and here nobody waits for it but the outbox. */
import { answer } from "../../runtime/thread/answer.ts";
import type { FileOptions } from "./open_file.ts";
import { failureKind } from "./sqlite_errors.ts";
import { type Change, OutboxStore, type ReadRequest } from "./store.ts";

let store: OutboxStore | null = null;

/** Marks errors with their kind. */
const marking = <A, T>(work: (argument: A) => T) => (argument: A): T => {
  try {
    return work(argument);
  } catch (error) {
    throw Object.assign(error as Error, { kind: failureKind(error) });
  }
};

function close(): void {
  store?.close();
  store = null;
}

const handlers = {
  open: marking(
    ({ now, damage, ...options }: FileOptions & { now: number; damage: string | null }) => {
      close();
      store = new OutboxStore(options, now, damage);
      return store.opened;
    },
  ),
  apply: marking((change: Change) => store!.apply(change)),
  read: marking((request: ReadRequest) => store!.read(request)),
  close,
};

export type OutboxHandlers = typeof handlers;

answer(handlers);
