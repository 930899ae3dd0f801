import { assert, assertEquals, assertRejects } from "@std/assert";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeOnce, openToAll } from "../../local/folders.ts";

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-test-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("makeOnce() fills a folder once, also when several race for it", async () => {
  await withFolder(async (folder) => {
    const made = join(folder, "made");
    const fill = (text: string) => async (partial: string) => {
      await writeFile(join(partial, "file"), text);
    };
    await Promise.all(["a", "b", "c"].map((text) => makeOnce(made, fill(text))));
    const text = await readFile(join(made, "file"), "utf8");
    assert(["a", "b", "c"].includes(text));
    await makeOnce(made, fill("later"));
    assertEquals(await readFile(join(made, "file"), "utf8"), text);
    assertEquals(await readdir(folder), ["made"]);
  });
});

Deno.test("makeOnce() leaves nothing behind when filling fails", async () => {
  await withFolder(async (folder) => {
    const fill = async (partial: string) => {
      await writeFile(join(partial, "file"), "half");
      throw new Error("Disk full");
    };
    await assertRejects(() => makeOnce(join(folder, "made"), fill), Error, "Disk full");
    assertEquals(await readdir(folder), []);
  });
});

Deno.test("openToAll() looks at every folder on the way", async () => {
  await withFolder(async (folder) => {
    await mkdir(join(folder, "a", "b"), { recursive: true });
    await chmod(folder, 0o711);
    assert(openToAll(join(folder, "a", "b", "not there yet")));
    await chmod(folder, 0o700);
    assertEquals(openToAll(join(folder, "a", "b")), false);
  });
});
