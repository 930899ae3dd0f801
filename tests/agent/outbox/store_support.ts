/** What the store's tests share. */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { type Applied, type Change, OutboxStore } from "../../../agent/outbox/store.ts";

export const NOW = Date.UTC(2026, 0, 1);

export interface Options {
  path: string;
  maxBytes: number;
  maxPages?: number;
}

export function options(folder: string, values: Partial<Options> = {}): Options {
  return { path: join(folder, "outbox.db"), maxBytes: 2 ** 30, ...values };
}

/** Opens a store at the time NOW. */
export function opened(
  folder: string,
  values: Partial<Options> = {},
  damage: string | null = null,
): OutboxStore {
  return new OutboxStore(options(folder, values), NOW, damage);
}

export function change(values: Partial<Change> = {}): Change {
  const nothing = { rows: [], doneThrough: 0, meta: {} };
  return { ...nothing, keepThrough: 0, now: NOW, age: NOW, maxAgeMs: 2 * NOW, ...values };
}

export function rows(from: number, to: number, created = NOW, value = "v") {
  return range(from, to).map((id) => ({ id, key: "k", value: `${value}${id}`, created }));
}

/** Ids, both ends included. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

export function refused(from: number, to: number, value = "v") {
  return rows(from, to, NOW, value).map((row) => ({ ...row, reason: "R" }));
}

/** Applies a change to the last of it, in as many transactions as it takes. @returns Its outcome */
export function applyAll(store: OutboxStore, values: Partial<Change>): Applied {
  let rows = values.rows ?? [];
  const dropped = { byAge: 0, bySize: 0, refused: 0 };
  let applied;
  do {
    applied = store.apply(change({ ...values, rows }));
    rows = rows.slice(applied.rows);
    for (const why of Object.keys(dropped) as (keyof typeof dropped)[]) {
      dropped[why] += applied.dropped[why];
    }
  } while (applied.more);
  assertEquals([rows.length, applied.full], [0, null]);
  return { ...applied, dropped };
}

export function read(store: OutboxStore, values = {}) {
  return store.read({ after: 0, limit: 1e6, maxBytes: 2 ** 30, ...values });
}

export function ids(store: OutboxStore): number[] {
  return read(store).map(({ id }) => id);
}
