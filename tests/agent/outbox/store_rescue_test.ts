import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { copyFile, link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { failureKind } from "../../../agent/outbox/sqlite_errors.ts";
import { OutboxStore } from "../../../agent/outbox/store.ts";
import { withFolder } from "../support.ts";
import { applyAll, change, ids, NOW, opened, options, range, rows } from "./store_support.ts";

const LONG = "x".repeat(1_000);

Deno.test("OutboxStore without room for what it rescues leaves the damaged file, and tries again", async () => {
  await withFolder(async (folder) => {
    fileWith(folder, 500);
    for (let i = 0; i < 2; i++) {
      const error = assertThrows(() => opened(folder, { maxPages: 40 }, "torn"));
      assertEquals(failureKind(error), "full");
      assertEquals(await kindsOf(folder), [""]);
    }
    const store = opened(folder, {}, "torn");
    const { depth, damaged } = store.opened;
    assertEquals([depth, damaged?.error, damaged?.rescueError], [500, "torn", null]);
    store.close();
    assertEquals(await kindsOf(folder), ["", ".damaged"]);
  });
});

Deno.test("OutboxStore rescues nothing from a file that another holds, and leaves it where it is", async () => {
  await withFolder(async (folder) => {
    const holder = opened(folder);
    const error = assertThrows(() => opened(folder, {}, "torn"));
    assertEquals(failureKind(error), "locked");
    holder.apply(change({ rows: rows(1, 3) }));
    holder.close();
    assertEquals(await kindsOf(folder), [""]);
  });
});

Deno.test("OutboxStore deletes what a killed process had rescued in part", async () => {
  for (const damage of [null, "torn"]) {
    await withFolder(async (folder) => {
      fileWith(folder, 20);
      await rename(join(folder, "outbox.db"), join(folder, "kept"));
      fileWith(folder, 5);
      await rename(join(folder, "outbox.db"), join(folder, "outbox.db.rescue"));
      await rename(join(folder, "kept"), join(folder, "outbox.db"));
      await writeFile(join(folder, "outbox.db.rescue-journal"), "half");
      const store = opened(folder, {}, damage);
      assertEquals(store.opened.depth, 20);
      store.close();
      assertEquals(await kindsOf(folder), damage ? ["", ".damaged"] : [""]);
    });
  }
});

Deno.test("OutboxStore rescues again what a killed process had rescued, wherever it was killed", async () => {
  for (const isKept of [false, true]) {
    for (const journalLeft of [true, false]) {
      await withFolder(async (folder) => {
        const path = fileWith(folder, 20);
        await copyFile(path, `${path}.rescue`);
        if (isKept) await link(path, `${path}.damaged`);
        if (!journalLeft) await rm(`${path}-journal`);
        const store = opened(folder, {}, "torn");
        const { depth, damaged } = store.opened;
        assertEquals([depth, damaged?.movedTo], [20, `${path}.damaged`]);
        assertEquals(ids(store), range(1, 20));
        store.close();
        const again = opened(folder);
        assertEquals([again.opened.depth, again.opened.damaged], [20, null]);
        again.close();
        assertEquals(await kindsOf(folder), ["", ".damaged"]);
      });
    }
  }
});

Deno.test("OutboxStore undoes half a transaction, also in a damaged file", async () => {
  for (const damage of [null, "torn"]) {
    await withFolder(async (folder) => {
      await withFolder(async (killed) => {
        await inTransaction(folder, fileWith(folder, 300), killed);
        const again = opened(killed, {}, damage);
        assertEquals([again.opened.depth, ids(again).length], [300, 300]);
        again.close();
      });
    });
  }
});

Deno.test("OutboxStore keeps one damaged file, where it is small beside what the outbox may take", async () => {
  await withFolder(async (folder) => {
    fileWith(folder, 200);
    opened(folder, {}, "torn").close();
    opened(folder, {}, "torn").close();
    assertEquals(await kindsOf(folder), ["", ".damaged"]);
    opened(folder, { maxBytes: 2 ** 20 }, "torn").close();
    assertEquals(await kindsOf(folder), [""]);
  });
});

Deno.test("OutboxStore ends, and loses little, where ids of a damaged page are out of order", async () => {
  // Two bytes each; the first one's bits make them ids far ahead or far behind.
  for (const bit of [0x40, 0x10, 0x02, 0x01]) {
    for (const id of [201, 500, 1_000]) {
      await withFolder(async (folder) => {
        fileWith(folder, 1_000);
        await flip(folder, id, bit);
        const store = opened(folder, {}, "torn");
        const { depth } = store.opened;
        // 4 rows at the most are on a page.
        assert(depth >= 994, `${depth} of 1000 with bit ${bit} of id ${id}`);
        store.close();
      });
    }
  }
  await withFolder(async (folder) => {
    const store = opened(folder);
    const inserts = [200, 201, 500, 501, 502].flatMap((id) => rows(id, id));
    store.apply(change({ rows: inserts }));
    store.close();
    await flip(folder, 500, 0x70);
    const again = opened(folder, {}, "torn");
    // On a page of its own file nothing tells which of the ids is wrong.
    assertEquals(ids(again), [200, 201, 14_836]);
    assertStringIncludes(again.opened.damaged!.rescueError!, "order");
    again.close();
  });
});

Deno.test("OutboxStore takes no rescued row for one of the future", async () => {
  await withFolder((folder) => {
    const path = fileWith(folder, 3);
    const db = new DatabaseSync(path);
    db.exec("UPDATE outbox SET created = 9e14 WHERE id > 1");
    db.close();
    const later = new OutboxStore(options(folder), NOW + 60_000, "torn");
    assertEquals([later.opened.oldest, later.opened.age], [NOW, NOW + 60_000]);
    const { depth } = later.apply(change({ age: NOW + 60_001, maxAgeMs: 0 }));
    assertEquals(depth, 0);
    later.close();
    return Promise.resolve();
  });
});

/** A file of rows from 1 to `last`. @returns Its path */
function fileWith(folder: string, last: number): string {
  const store = opened(folder);
  applyAll(store, { rows: rows(1, last, NOW, LONG) });
  store.close();
  return options(folder).path;
}

/** Flips bits in the first of the two bytes that are the id of row `id`. */
async function flip(folder: string, id: number, bits: number): Promise<void> {
  const path = join(folder, "outbox.db");
  const file = await readFile(path);
  // A cell is its length, its id, its header: 6 bytes' length, NULL in the place of the id, types.
  const bytes = Buffer.from([0x80 | id >> 7, id & 0x7f]);
  const at: number[] = [];
  for (let i = file.indexOf(bytes); i >= 0; i = file.indexOf(bytes, i + 1)) {
    if (file[i + 2]! <= 9 && file[i + 3] === 0 && file[i + 4] === 15) at.push(i);
  }
  assertEquals(at.length, 1);
  file[at[0]!]! ^= bits;
  await writeFile(path, file);
}

/** What the files of `folder` are, by their names. */
async function kindsOf(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.map((name) => name.replace("outbox.db", ""))
    .filter((kind) => kind !== "-journal").sort();
}

/** Copies a file and its journal to the folder `to` while half a transaction is in them. */
async function inTransaction(folder: string, path: string, to: string): Promise<void> {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = PERSIST; PRAGMA cache_size = 1;
    BEGIN; UPDATE outbox SET value = value || 'half'; DELETE FROM outbox WHERE id % 2 = 0`);
  for (const name of ["outbox.db", "outbox.db-journal"]) {
    await copyFile(join(folder, name), join(to, name));
  }
  db.exec("ROLLBACK");
  db.close();
}
