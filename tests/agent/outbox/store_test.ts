import { assert, assertEquals, assertThrows } from "@std/assert";
import { statSync } from "node:fs";
import { appendFile, copyFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { failureKind } from "../../../agent/outbox/sqlite_errors.ts";
import { withFolder } from "../support.ts";
import { applyAll, change, ids, NOW, opened, range, read, refused, rows } from "./store_support.ts";

const NONE = { byAge: 0, bySize: 0, refused: 0 };

Deno.test("OutboxStore keeps rows in order, and values, over closing and opening", async () => {
  await withFolder((folder) => {
    const first = opened(folder);
    assertEquals(first.opened, {
      lastId: 0,
      depth: 0,
      oldest: null,
      age: NOW,
      meta: {},
      damaged: null,
    });
    first.apply(change({ rows: rows(1, 1, NOW - 9), meta: { a: "1", b: "2" } }));
    assertEquals(first.apply(change({ rows: rows(2, 5) })).oldest, NOW - 9);
    const applied = first.apply(change({ rows: rows(6, 6), doneThrough: 2, meta: { a: "3" } }));
    assertEquals(applied, {
      rows: 1,
      done: 2,
      more: false,
      full: null,
      depth: 4,
      oldest: NOW,
      dropped: NONE,
    });
    first.close();

    const second = opened(folder);
    assertEquals(second.opened, {
      lastId: 6,
      depth: 4,
      oldest: NOW,
      age: NOW,
      meta: { a: "3", b: "2" },
      damaged: null,
    });
    const expected = [{ id: 4, key: "k", value: "v4" }, { id: 5, key: "k", value: "v5" }];
    assertEquals(read(second, { after: 3, limit: 2 }).map((row) => ({ ...row })), expected);
    assertEquals(read(second, { after: 5 }).map(({ id }) => id), [6]);
    second.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore.read() stops at so many bytes, but gives one row however large", async () => {
  await withFolder((folder) => {
    const store = opened(folder);
    store.apply(change({ rows: rows(1, 10, NOW, "x".repeat(1_000)) }));
    assertEquals(read(store, { maxBytes: 3_200 }).length, 3);
    assertEquals(read(store, { maxBytes: 10 }).length, 1);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore.apply() twice does what once does", async () => {
  await withFolder((folder) => {
    const store = opened(folder);
    const again = change({
      rows: [...refused(2, 2), ...rows(3, 4)],
      doneThrough: 2,
      meta: { a: "1" },
    });
    store.apply(change({ rows: rows(1, 2) }));
    assertEquals(store.apply(again).depth, 2);
    assertEquals(store.apply(again).depth, 2);
    assertEquals(ids(store), [3, 4]);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore does much in several transactions, so that its journal stays small", async () => {
  await withFolder((folder) => {
    const maxBytes = 2 ** 20;
    const store = opened(folder, { maxBytes });
    const { exec } = DatabaseSync.prototype;
    let most = 0;
    DatabaseSync.prototype.exec = function (sql) {
      if (sql === "COMMIT") {
        most = Math.max(most, statSync(join(folder, "outbox.db-journal")).size);
      }
      exec.call(this, sql);
    };
    try {
      applyAll(store, { rows: rows(1, 500, NOW, "x".repeat(1_000)) });
      // In one, a page of the file for each three of them would be in the journal.
      applyAll(store, { doneThrough: 499 });
    } finally {
      DatabaseSync.prototype.exec = exec;
    }
    assert(most > 0 && most <= maxBytes / 8, `${most} bytes`);
    assertEquals(ids(store), [500]);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore sets refused rows aside, and uses their ids no more", async () => {
  await withFolder((folder) => {
    const store = opened(folder);
    store.apply(change({ rows: rows(1, 3) }));
    const { depth } = store.apply(change({ rows: refused(3, 3) }));
    assertEquals([depth, ids(store)], [2, [1, 2]]);
    store.apply(change({ doneThrough: 2 }));
    store.close();

    const again = opened(folder);
    assertEquals([again.opened.lastId, again.opened.depth], [3, 0]);
    again.close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    const kept = { id: 3, key: "k", value: "v3", reason: "R", at: NOW };
    assertEquals(
      { ...db.prepare("SELECT * FROM refused").get()! },
      kept as Record<string, unknown>,
    );
    db.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore drops the oldest rows past its size, and no more than it has to", async () => {
  await withFolder((folder) => {
    const maxBytes = 2 ** 20;
    const store = opened(folder, { maxBytes });
    const value = "x".repeat(1_000);
    let last = 700;
    let { depth, dropped } = applyAll(store, { rows: rows(1, last, NOW, value) });
    assertEquals(dropped, NONE);
    // A page holds 3 or 4 rows, and is free when its neighbour has room for the last ones.
    while (last < 850) {
      last++;
      ({ depth, dropped } = store.apply(change({ rows: rows(last, last, NOW, value) })));
      assert(dropped.bySize <= 8, `${dropped.bySize} dropped for one row`);
    }
    assert(depth * 1_000 > 0.5 * maxBytes, `${depth} are kept`);
    assert(depth < last, "none were dropped");
    assertEquals(ids(store), range(last - depth + 1, last));
    // The oldest may be on their way: those after them go.
    const keepThrough = last - depth + 100;
    const applied = applyAll(store, { rows: rows(last + 1, last + 80, NOW, value), keepThrough });
    assertEquals(applied.depth + applied.dropped.bySize, depth + 80);
    assert(applied.dropped.bySize >= 75, `${applied.dropped.bySize} dropped`);
    assertEquals(ids(store).slice(0, 100), range(keepThrough - 99, keepThrough));
    assertEquals(applyAll(store, { keepThrough: 1e9, rows: rows(3_000, 3_000) }).dropped, NONE);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore stays within its bytes, with all that belongs to it, and shrinks when emptied", async () => {
  await withFolder(async (folder) => {
    const maxBytes = 4 * 2 ** 20;
    const store = opened(folder, { maxBytes });
    let most = 0;
    const value = "é".repeat(700);
    for (let from = 1; from <= 6_000; from += 100) {
      applyAll(store, { rows: rows(from, from + 99, NOW, value) });
      most = Math.max(most, await bytesIn(folder));
    }
    assert(most <= maxBytes, `${most} bytes of ${maxBytes}`);
    assert(most > 0.7 * maxBytes, `only ${most} bytes of ${maxBytes}`);
    for (let from = 1; from <= 6_000; from += 500) {
      applyAll(store, { doneThrough: from + 499 });
    }
    assertEquals(ids(store), []);
    assert(await bytesIn(folder) < 2 ** 20, `${await bytesIn(folder)} bytes are left`);
    store.close();
  });
});

Deno.test("OutboxStore counts refused rows among its bytes, and drops them before others", async () => {
  await withFolder(async (folder) => {
    const maxBytes = 2 ** 20;
    const store = opened(folder, { maxBytes });
    const value = "x".repeat(1_000);
    applyAll(store, { rows: rows(1, 100, NOW, value) });
    const { dropped } = applyAll(store, { rows: refused(1_001, 2_000, value) });
    assert(dropped.refused > 400, `${dropped.refused} dropped`);
    assertEquals(ids(store).length, 100);
    assert(await bytesIn(folder) <= maxBytes);
    store.close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    const kept = db.prepare("SELECT count(*) AS count, max(id) AS last FROM refused").get()!;
    assertEquals({ ...kept }, { count: 1_000 - dropped.refused, last: 2_000 });
    db.close();
  });
});

Deno.test("OutboxStore drops rows past their age", async () => {
  await withFolder((folder) => {
    const store = opened(folder);
    store.apply(change({ rows: [...rows(1, 250, NOW - 900), ...rows(251, 260)] }));
    assertEquals(store.apply(change({ maxAgeMs: 900 })).dropped.byAge, 0);
    const applied = store.apply(change({ maxAgeMs: 899, keepThrough: 5 }));
    assertEquals([applied.depth, applied.oldest], [15, NOW - 900]);
    assertEquals(applied.dropped, { ...NONE, byAge: 245 });
    assertEquals(ids(store), [1, 2, 3, 4, 5, ...range(251, 260)]);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore on a full disk does what makes room, and works again with room", async () => {
  await withFolder((folder) => {
    const store = opened(folder, { maxPages: 40 });
    const value = "x".repeat(1_000);
    store.apply(change({ rows: rows(1, 50, NOW, value) }));
    const full = store.apply(change({ rows: rows(51, 500, NOW, value), doneThrough: 1 }));
    assertEquals([full.rows, full.done, full.full], [0, 1, "database or disk is full"]);
    assertEquals(ids(store), range(2, 50));
    assertEquals(store.apply(change({ doneThrough: 40 })).depth, 10);
    assertEquals(store.apply(change({ rows: rows(51, 70, NOW, value) })).depth, 30);
    store.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore lets one holder in at a time", async () => {
  await withFolder((folder) => {
    const store = opened(folder);
    const error = assertThrows(() => opened(folder));
    assertEquals(failureKind(error), "locked");
    store.apply(change({ rows: rows(1, 1) }));
    store.close();
    opened(folder).close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore leaves a database of a newer version alone", async () => {
  await withFolder(async (folder) => {
    opened(folder).close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    db.exec("PRAGMA user_version = 9");
    db.close();
    assertThrows(() => opened(folder), Error, "made by a newer version");
    assertEquals((await readdir(folder)).filter((name) => name.includes("damaged")), []);
  });
});

Deno.test("OutboxStore opens what a crash left, with half a transaction in its journal", async () => {
  await withFolder(async (folder) => {
    const store = opened(folder);
    store.apply(change({ rows: rows(1, 3) }));
    // A copy of the files as they are is what a crash leaves.
    await withFolder(async (crashed) => {
      for (const name of await readdir(folder)) {
        await copyFile(join(folder, name), join(crashed, name));
      }
      await appendFile(join(crashed, "outbox.db-journal"), new Uint8Array(3_000).fill(7));
      const again = opened(crashed);
      assertEquals([again.opened.damaged, ids(again)], [null, [1, 2, 3]]);
      again.close();
    });
    store.close();
  });
});

Deno.test("OutboxStore keeps 10,000 refused rows, the newest, and counts the others", async () => {
  await withFolder((folder) => {
    const store = opened(folder);
    assertEquals(applyAll(store, { rows: refused(1, 10_000) }).dropped, NONE);
    assertEquals(applyAll(store, { rows: refused(10_001, 10_005) }).dropped.refused, 5);
    store.close();
    const db = new DatabaseSync(join(folder, "outbox.db"));
    const kept = db.prepare("SELECT count(*) AS rows, min(id) AS first FROM refused").get();
    assertEquals({ ...kept }, { rows: 10_000, first: 6 });
    db.close();
    return Promise.resolve();
  });
});

Deno.test("OutboxStore's files are for their owner alone", async () => {
  await withFolder(async (folder) => {
    const store = opened(folder);
    store.apply(change({ rows: rows(1, 3) }));
    const names = (await readdir(folder)).toSorted();
    assertEquals(names, ["outbox.db", "outbox.db-journal"]);
    for (const name of names) {
      assertEquals((await stat(join(folder, name))).mode & 0o777, 0o600, name);
    }
    store.close();
  });
});

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size;
  return bytes;
}
