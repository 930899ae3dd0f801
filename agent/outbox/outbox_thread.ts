/** The outbox's thread: a fsync may take long, and here nobody waits for it but the outbox. */
import { answer } from "../../runtime/answer.ts";
import type { FileOptions } from "./open_file.ts";
import { failureKind } from "./sqlite_errors.ts";
import {
  type Applied,
  type Change,
  type Opened,
  OutboxStore,
  type ReadRequest,
  type Row,
} from "./store.ts";

let store: OutboxStore | null = null;

const handlers = {
  open({ now, damage, ...options }: FileOptions & { now: number; damage: string | null }): Opened {
    handlers.close();
    return marked(() => store = new OutboxStore(options, now, damage)).opened;
  },
  apply: (change: Change): Applied => marked(() => store!.apply(change)),
  read: (request: ReadRequest): Row[] => marked(() => store!.read(request)),
  close(): void {
    store?.close();
    store = null;
  },
};

export type OutboxHandlers = typeof handlers;

/** Marks an error with its kind. */
function marked<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw Object.assign(error as Error, { kind: failureKind(error) });
  }
}

answer(handlers);
