import { assertEquals, assertThrows } from "@std/assert";
import { appendFile, copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { failureOf } from "../../../agent/outbox/sqlite_errors.ts";
import { OutboxStore } from "../../../agent/outbox/store.ts";
import { withFolder } from "../support.ts";
import { change, ids, NOW, options, rows } from "./store_support.ts";

Deno.test("OutboxStore keeps rows in order, and values, over closing and opening", async () => {
  await withFolder((folder) => {
    const first = new OutboxStore(options(folder));
    assertEquals(first.opened, {
      lastId: 0,
      depth: 0,
      oldest: null,
      newest: null,
      meta: {},
      damaged: null,
    });
    first.apply(change({ inserts: rows(1, 1, NOW - 9), meta: { a: "1", b: "2" } }));
    assertEquals(first.apply(change({ inserts: rows(2, 5) })).oldest, NOW - 9);
    const applied = first.apply(change({ inserts: rows(6, 6), deletes: [1, 3], meta: { a: "3" } }));
    assertEquals(applied, {
      depth: 4,
      oldest: NOW,
      droppedByAge: 0,
      droppedBySize: 0,
      droppedRefused: 0,
    });
    first.close();

    const second = new OutboxStore(options(folder));
    assertEquals(second.opened, {
      lastId: 6,
      depth: 4,
      oldest: NOW,
      newest: NOW,
      meta: { a: "3", b: "2" },
      damaged: null,
    });
    assertEquals(second.read(2, 2, 2 ** 20), [
      { id: 4, key: "k", value: "v4" },
      { id: 5, key: "k", value: "v5" },
    ]);
    second.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore.read() stops at so many bytes, but gives one row however large", async () => {
  await withFolder((folder) => {
    const store = new OutboxStore(options(folder));
    store.apply(change({ inserts: rows(1, 10, NOW, "x".repeat(1_000)) }));
    assertEquals(store.read(0, 100, 3_200).length, 3);
    assertEquals(store.read(0, 100, 10).length, 1);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore.apply() twice does what once does", async () => {
  await withFolder((folder) => {
    const store = new OutboxStore(options(folder));
    const again = change({
      inserts: rows(3, 4),
      deletes: [1],
      refusals: [{ id: 2, reason: "R" }],
      meta: { a: "1" },
    });
    store.apply(change({ inserts: rows(1, 2) }));
    assertEquals(store.apply(again).depth, 2);
    assertEquals(store.apply(again).depth, 2);
    assertEquals(ids(store), [3, 4]);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore sets refused rows aside, and uses their ids no more", async () => {
  await withFolder((folder) => {
    const store = new OutboxStore(options(folder));
    store.apply(change({ inserts: rows(1, 3) }));
    const { depth } = store.apply(change({ refusals: [{ id: 3, reason: "MESSAGE_TOO_LARGE" }] }));
    assertEquals([depth, ids(store)], [2, [1, 2]]);
    store.apply(change({ deletes: [1, 2] }));
    store.close();

    const again = new OutboxStore(options(folder));
    assertEquals([again.opened.lastId, again.opened.depth], [3, 0]);
    again.close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    assertEquals({ ...db.prepare("SELECT * FROM refused").get() }, {
      id: 3,
      key: "k",
      value: "v3",
      reason: "MESSAGE_TOO_LARGE",
      at: NOW,
    });
    db.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore drops the oldest rows past its size, and no more than it has to", async () => {
  await withFolder((folder) => {
    // A row here is 1 byte of key, 1,004 of value and 40 around them.
    const store = new OutboxStore(options(folder, { maxBytes: 10 * 1_045 }));
    const value = "x".repeat(1_000);
    const wide = (from: number, to: number) =>
      rows(from, to).map((row) => ({ ...row, value: value + String(row.id).padStart(4, "0") }));
    assertEquals(store.apply(change({ inserts: wide(1, 10) })).droppedBySize, 0);
    assertEquals(store.apply(change({ inserts: wide(11, 13) })), {
      depth: 10,
      oldest: NOW,
      droppedByAge: 0,
      droppedBySize: 3,
      droppedRefused: 0,
    });
    assertEquals(ids(store)[0], 4);
    // Rows up to 8 may be on their way: those after them go.
    assertEquals(store.apply(change({ inserts: wide(14, 16), keepThrough: 8 })).droppedBySize, 3);
    assertEquals(ids(store), [4, 5, 6, 7, 8, 12, 13, 14, 15, 16]);
    assertEquals(store.apply(change({ keepThrough: 1e9, inserts: wide(17, 17) })).depth, 11);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore drops rows past their age", async () => {
  await withFolder((folder) => {
    const store = new OutboxStore(options(folder));
    store.apply(change({ inserts: [...rows(1, 250, NOW - 900), ...rows(251, 260)] }));
    assertEquals(store.apply(change({ expireBefore: NOW - 900 })).droppedByAge, 0);
    assertEquals(store.apply(change({ expireBefore: NOW - 899, keepThrough: 5 })), {
      depth: 15,
      oldest: NOW - 900,
      droppedByAge: 245,
      droppedBySize: 0,
      droppedRefused: 0,
    });
    assertEquals(ids(store), [1, 2, 3, 4, 5, ...rows(251, 260).map(({ id }) => id)]);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore on a full disk does nothing of a change, and works again with room", async () => {
  await withFolder((folder) => {
    const store = new OutboxStore(options(folder, { maxPages: 40 }));
    const value = "x".repeat(1_000);
    store.apply(change({ inserts: rows(1, 50, NOW, value) }));
    const error = assertThrows(() =>
      store.apply(change({ inserts: rows(51, 500, NOW, value), deletes: [1] }))
    );
    assertEquals(failureOf(error).kind, "full");
    assertEquals(ids(store).length, 50);
    assertEquals(store.apply(change({ deletes: rows(1, 40).map(({ id }) => id) })).depth, 10);
    assertEquals(store.apply(change({ inserts: rows(51, 70, NOW, value) })).depth, 30);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore lets one holder in at a time", async () => {
  await withFolder((folder) => {
    const store = new OutboxStore(options(folder));
    const error = assertThrows(() => new OutboxStore(options(folder)));
    assertEquals(failureOf(error).kind, "locked");
    store.apply(change({ inserts: rows(1, 1) }));
    store.close();
    new OutboxStore(options(folder)).close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore leaves a database of a newer version alone", async () => {
  await withFolder(async (folder) => {
    new OutboxStore(options(folder)).close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    db.exec("PRAGMA user_version = 2");
    db.close();
    assertThrows(() => new OutboxStore(options(folder)), Error, "made by a newer version");
    assertEquals((await readdir(folder)).filter((name) => name.includes("damaged")), []);
  });
});

Deno.test("OutboxStore opens what a crash left, with half a transaction in its log", async () => {
  await withFolder(async (folder) => {
    const store = new OutboxStore(options(folder));
    store.apply(change({ inserts: rows(1, 3) }));
    // A copy of the files as they are is what a crash leaves.
    await withFolder(async (crashed) => {
      for (const name of await readdir(folder)) {
        await copyFile(join(folder, name), join(crashed, name));
      }
      await appendFile(join(crashed, "outbox.db-wal"), new Uint8Array(3_000).fill(7));
      const again = new OutboxStore(options(crashed));
      assertEquals([again.opened.damaged, ids(again)], [null, [1, 2, 3]]);
      again.close();
    });
    store.close();
  });
});

Deno.test("OutboxStore keeps 10,000 refused rows, the newest, and counts the others", async () => {
  await withFolder((folder) => {
    const store = new OutboxStore(options(folder));
    const refusals = rows(1, 10_005).map(({ id }) => ({ id, reason: "R" }));
    const refuse = (from: number, to: number) =>
      store.apply(change({ inserts: rows(from, to), refusals: refusals.slice(from - 1, to) }));
    assertEquals(refuse(1, 10_000).droppedRefused, 0);
    assertEquals(refuse(10_001, 10_005), {
      depth: 0,
      oldest: null,
      droppedByAge: 0,
      droppedBySize: 0,
      droppedRefused: 5,
    });
    store.close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    assertEquals(
      { ...db.prepare("SELECT count(*) AS rows, min(id) AS first FROM refused").get() },
      {
        rows: 10_000,
        first: 6,
      },
    );
    db.close();
    return Promise.resolve();
  });
});
