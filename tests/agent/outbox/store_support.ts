/** What the store's tests share. */
import { join } from "node:path";
import type { Change } from "../../../agent/outbox/protocol.ts";
import type { OutboxStore } from "../../../agent/outbox/store.ts";

export const NOW = Date.UTC(2026, 0, 1);

export function options(
  folder: string,
  values: { maxBytes?: number; maxPages?: number } = {},
) {
  return { path: join(folder, "outbox.db"), maxBytes: 2 ** 30, ...values };
}

export function change(values: Partial<Change> = {}): Change {
  const nothing = { inserts: [], deletes: [], refusals: [], meta: {} };
  return { ...nothing, keepThrough: 0, now: NOW, expireBefore: 0, ...values };
}

export function rows(from: number, to: number, created = NOW, value = "v") {
  return Array.from({ length: to - from + 1 }, (_, i) => {
    return { id: from + i, key: "k", value: `${value}${from + i}`, created };
  });
}

export function ids(store: OutboxStore): number[] {
  return store.read(0, 10_000, 2 ** 30).map(({ id }) => id);
}
