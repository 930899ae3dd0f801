/** What the store's tests share. */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { type Change, OutboxStore } from "../../../agent/outbox/store.ts";

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
  const nothing = { rows: [], doneThrough: 0, refused: [], meta: {} };
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
  return rows(from, to, NOW, value).map(({ id, key, value }) => ({ id, key, value, reason: "R" }));
}

/** Applies a change to the last of it. @returns Its outcome */
export function applyAll(store: OutboxStore, values: Partial<Change>) {
  const applied = store.apply(change(values));
  const { rows = [], refused = [] } = values;
  assertEquals(
    [applied.rows, applied.refused, applied.full],
    [rows.length, refused.length, null],
  );
  return applied;
}

export function read(store: OutboxStore, values = {}) {
  return store.read({ after: 0, limit: 1e6, maxBytes: 2 ** 30, ...values });
}

export function ids(store: OutboxStore): number[] {
  return read(store).map(({ id }) => id);
}
