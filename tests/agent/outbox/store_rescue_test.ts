import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { appendFile, copyFile, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { failureOf } from "../../../agent/outbox/sqlite_errors.ts";
import { OutboxStore } from "../../../agent/outbox/store.ts";
import { withFolder } from "../support.ts";
import { change, ids, NOW, options, rows } from "./store_support.ts";

const LONG = "x".repeat(1_000);

Deno.test("OutboxStore without room for what it rescues leaves the damaged file, and tries again", async () => {
  await withFolder(async (folder) => {
    fileWith(folder, 500);
    for (let i = 0; i < 2; i++) {
      const error = assertThrows(() => new OutboxStore(options(folder, { maxPages: 40 }), "torn"));
      assertEquals(failureOf(error).kind, "full");
      assertEquals(await readdir(folder), ["outbox.db"]);
    }
    const store = new OutboxStore(options(folder), "torn");
    const { depth, damaged } = store.opened;
    assertEquals([depth, damaged?.error, damaged?.rescued, damaged?.rescueError], [
      500,
      "torn",
      500,
      null,
    ]);
    store.close();
    assertEquals(await kindsOf(folder), ["", ".damaged"]);
  });
});

Deno.test("OutboxStore rescues nothing from a file that another holds, and leaves it where it is", async () => {
  await withFolder(async (folder) => {
    const holder = new OutboxStore(options(folder));
    const error = assertThrows(() => new OutboxStore(options(folder), "torn"));
    assertEquals(failureOf(error).kind, "locked");
    holder.apply(change({ inserts: rows(1, 3) }));
    holder.close();
    assertEquals(await readdir(folder), ["outbox.db"]);
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
      await writeFile(join(folder, "outbox.db.rescue-wal"), "half");
      const store = new OutboxStore(options(folder), damage);
      assertEquals(store.opened.depth, 20);
      store.close();
      assertEquals(await kindsOf(folder), damage ? ["", ".damaged"] : [""]);
    });
  }
});

Deno.test("OutboxStore takes what a killed process had rescued, wherever it was killed", async () => {
  // What of the damaged file is still in its place.
  for (const left of [["", "-wal"], ["-wal"], []]) {
    for (const damage of [null, "torn"]) {
      await withFolder(async (folder) => {
        fileWith(folder, 20);
        await rename(join(folder, "outbox.db"), join(folder, "outbox.db.rescued"));
        await withFolder(async (other) => {
          const store = new OutboxStore(options(other));
          store.apply(change({ inserts: rows(1, 3) }));
          for (const suffix of left) {
            await copyFile(join(other, `outbox.db${suffix}`), join(folder, `outbox.db${suffix}`));
          }
          store.close();
        });
        const store = new OutboxStore(options(folder), damage);
        const { depth, damaged } = store.opened;
        assertEquals([depth, damaged?.rescued], [20, 20]);
        assert(damaged!.movedTo.includes("outbox.db.damaged-"));
        store.close();
        const again = new OutboxStore(options(folder));
        assertEquals([again.opened.depth, again.opened.damaged], [20, null]);
        again.close();
        assertEquals(await kindsOf(folder), ["", ...left.map((suffix) => `.damaged${suffix}`)]);
      });
    }
  }
});

Deno.test("OutboxStore rescues what is only in the damaged file's log", async () => {
  await withFolder(async (folder) => {
    const store = new OutboxStore(options(folder));
    store.apply(change({ inserts: rows(1, 30) }));
    await withFolder(async (killed) => {
      for (const name of await readdir(folder)) {
        await copyFile(join(folder, name), join(killed, name));
      }
      await appendFile(join(killed, "outbox.db-wal"), new Uint8Array(3_000).fill(7));
      const again = new OutboxStore(options(killed), "torn");
      assertEquals([again.opened.depth, ids(again).length], [30, 30]);
      again.close();
    });
    store.close();
  });
});

Deno.test("OutboxStore ends, and loses little, where ids of a damaged page are out of order", async () => {
  // Two bytes each; the first one's bits make them ids far ahead or far behind.
  for (const bit of [0x40, 0x10, 0x02, 0x01]) {
    for (const id of [201, 500, 1_000]) {
      await withFolder(async (folder) => {
        fileWith(folder, 1_000);
        await flip(folder, id, bit);
        const store = new OutboxStore(options(folder), "torn");
        const { depth } = store.opened;
        // 4 rows at the most are on a page.
        assert(depth >= 994, `${depth} of 1000 with bit ${bit} of id ${id}`);
        store.close();
      });
    }
  }
  await withFolder(async (folder) => {
    const store = new OutboxStore(options(folder));
    const inserts = [200, 201, 500, 501, 502].flatMap((id) => rows(id, id));
    store.apply(change({ inserts }));
    store.close();
    await flip(folder, 500, 0x70);
    const again = new OutboxStore(options(folder), "torn");
    // On a page of its own file nothing tells which of the ids is wrong.
    assertEquals(ids(again), [200, 201, 14_836]);
    assertStringIncludes(again.opened.damaged!.rescueError!, "order");
    again.close();
  });
});

Deno.test("OutboxStore counts a rescued row's bytes itself, and takes none for one of the future", async () => {
  await withFolder((folder) => {
    const path = fileWith(folder, 3);
    const db = new DatabaseSync(path);
    db.exec("UPDATE outbox SET bytes = 9e12, created = 9e14 WHERE id = 2");
    db.exec("UPDATE outbox SET created = 9e14 WHERE id = 3");
    db.exec("INSERT INTO meta VALUES ('clock_steps_ms', '-86400000')");
    db.close();
    const before = Date.now();
    const store = new OutboxStore(options(folder), "torn");
    const { newest, oldest } = store.opened;
    assertEquals(oldest, NOW);
    // The clock was set back by a day: rows go by time as it would be.
    assert(newest! >= before + 86_400_000 && newest! <= Date.now() + 86_400_000, String(newest));
    assertEquals(store.apply(change({ inserts: rows(4, 4) })).droppedBySize, 0);
    store.close();
    return Promise.resolve();
  });
});

/** A file of rows from 1 to `last`. @returns Its path */
function fileWith(folder: string, last: number): string {
  const store = new OutboxStore(options(folder));
  store.apply(change({ inserts: rows(1, last, NOW, LONG) }));
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
  return names.map((name) => name.replace("outbox.db", "").replace(/-\d{4}-[\d-]+T[\d-]+Z/, ""))
    .sort();
}
