import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { failureKind } from "../../../agent/outbox/sqlite_errors.ts";
import { withFolder } from "../support.ts";
import { applyAll, change, ids, NOW, opened, range, read, rows } from "./store_support.ts";

Deno.test("OutboxStore moves a file that is no database aside, and makes a new one", async () => {
  await withFolder(async (folder) => {
    await writeFile(join(folder, "outbox.db"), "not a database at all, and long enough to tell");
    const store = opened(folder);
    const { damaged, depth } = store.opened;
    assert(damaged);
    assertEquals(depth, 0);
    assertStringIncludes(damaged.error, "not a database");
    store.apply(change({ rows: rows(1, 2) }));
    store.close();
    assertEquals((await readdir(folder)).filter((name) => name === "outbox.db.damaged").length, 1);
    opened(folder).close();
  });
});

Deno.test("OutboxStore moves a database with damaged pages aside", async () => {
  await withFolder(async (folder) => {
    const store = opened(folder);
    applyAll(store, { rows: rows(1, 2_000, NOW, "x".repeat(500)) });
    store.close();
    const file = await open(join(folder, "outbox.db"), "r+");
    await file.write(new Uint8Array(100 * 4_096).fill(0xa5), 0, 100 * 4_096, 20 * 4_096);
    await file.close();
    const again = opened(folder);
    assert(again.opened.damaged);
    again.close();
  });
});

Deno.test("OutboxStore with a damaged page of its named values keeps the results", async () => {
  await withFolder(async (folder) => {
    fileWithFreePages(folder);
    await damage(folder, (db) => rootOf(db, "meta"));
    const store = opened(folder);
    const { depth, lastId, damaged } = store.opened;
    assertEquals([depth, lastId, damaged !== null], [500, 2_000, true]);
    assertStringIncludes(damaged!.error, "malformed");
    assertEquals(ids(store), range(1_501, 2_000));
    store.apply(change({ rows: rows(2_001, 2_001), meta: { a: "1" } }));
    store.close();
    opened(folder).close();
  });
});

Deno.test("OutboxStore told of damage that opening does not see brings all into a new file", async () => {
  await withFolder(async (folder) => {
    fileWithFreePages(folder);
    await damage(folder, freeListTrunk);
    const value = "x".repeat(1_000);
    const store = opened(folder);
    assertEquals(store.opened.damaged, null);
    const error = assertThrows(() => store.apply(change({ rows: rows(2_001, 2_100, NOW, value) })));
    const { message } = error as Error;
    assertEquals(failureKind(error), "damaged");
    store.close();
    const again = opened(folder, {}, message);
    const { depth, meta, damaged } = again.opened;
    assertEquals([depth, { ...meta }, damaged?.error], [500, { a: "b" }, message]);
    assertEquals([damaged !== null, damaged?.rescueError], [true, null]);
    again.apply(change({ rows: rows(2_001, 2_100, NOW, value) }));
    assertEquals(ids(again), range(1_501, 2_100));
    again.close();
  });
});

Deno.test("OutboxStore brings over what stands before, between and after damaged pages", async () => {
  for (const leaves of [[3], [10, 11, 40], [0], [-1], [-1, -2, 5]]) {
    await withFolder(async (folder) => {
      const store = opened(folder);
      store.apply(change({ rows: rows(1, 500, NOW, "x".repeat(1_000)), meta: { a: "b" } }));
      store.close();
      for (const leaf of leaves) await damage(folder, (db, file) => leafOf(db, file, leaf));
      const again = opened(folder);
      const { depth, meta, damaged } = again.opened;
      // At most 4 rows are on a page.
      assert(depth >= 500 - 4 * leaves.length && depth < 500, `${depth} of 500`);
      assertEquals([damaged !== null, meta.a], [true, "b"]);
      assertStringIncludes(damaged!.rescueError!, "malformed");
      const kept = read(again);
      assertEquals(kept.map(({ value }) => value), kept.map(({ id }) => "x".repeat(1_000) + id));
      again.close();
    });
  }
});

Deno.test("OutboxStore.read() fails where a page is damaged, and passes nothing by", async () => {
  await withFolder(async (folder) => {
    const store = opened(folder);
    // More than SQLite keeps in memory, also where it shares that among files that are open.
    applyAll(store, { rows: rows(1, 20_000, NOW, "x".repeat(1_000)) });
    store.close();
    const again = opened(folder);
    const path = join(folder, "outbox.db");
    const content = await readFile(path);
    await writeFile(path, content.fill(0xff, 2 * PAGE));
    const error = assertThrows(() => read(again));
    assertEquals(failureKind(error), "damaged");
    again.close();
  });
});

/** 500 rows, and pages that 1,500 others left. */
function fileWithFreePages(folder: string): void {
  const store = opened(folder);
  applyAll(store, { rows: rows(1, 2_000, NOW, "x".repeat(1_000)), meta: { a: "b" } });
  applyAll(store, { doneThrough: 1_500 });
  store.close();
}

const PAGE = 4_096;

function rootOf(db: DatabaseSync, table: string): number {
  const found = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(table);
  return found!.rootpage as number;
}

/** https://www.sqlite.org/fileformat.html#the_database_header */
function freeListTrunk(_: DatabaseSync, file: Uint8Array): number {
  const page = new DataView(file.buffer, file.byteOffset).getUint32(32);
  assert(page > 0);
  return page;
}

/** The `nth` leaf of `outbox` under its root; below 0, from the end. */
function leafOf(db: DatabaseSync, file: Uint8Array, nth: number): number {
  const page = new DataView(file.buffer, file.byteOffset + (rootOf(db, "outbox") - 1) * PAGE, PAGE);
  const cells = page.getUint16(3);
  const index = nth < 0 ? cells + 1 + nth : nth;
  return page.getUint32(index === cells ? 8 : page.getUint16(12 + 2 * index));
}

/** Overwrites the page that `which` gives. */
async function damage(
  folder: string,
  which: (db: DatabaseSync, file: Uint8Array) => number,
): Promise<void> {
  const path = join(folder, "outbox.db");
  const content = await readFile(path);
  const db = new DatabaseSync(path);
  const page = which(db, content);
  db.close();
  content.fill(0xff, (page - 1) * PAGE, page * PAGE);
  await writeFile(path, content);
}
