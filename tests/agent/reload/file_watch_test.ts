import { assertEquals } from "@std/assert";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stateOfFiles, watchFiles } from "../../../agent/reload/file_watch.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { withFolder } from "../support.ts";

interface Watched {
  folder: string;
  path: string;
  /** Lets the files be looked at; how many changes were told so far. */
  look: () => Promise<number>;
  /** Until they have been seen the same again. */
  lookTwice: () => Promise<number>;
}

/** Runs `body` with a file "config.yaml" that is watched. */
async function watching(
  body: (it: Watched) => Promise<void>,
  {
    prepare = (folder: string) => writeFile(join(folder, "config.yaml"), "a"),
    patterns = [] as string[],
  } = {},
) {
  await withFolder(async (folder) => {
    await prepare(folder);
    const path = join(folder, "config.yaml");
    const clock = new FakeClock();
    const state = () => stateOfFiles(path, patterns);
    let changes = 0;
    const end = watchFiles(state(), () => Promise.resolve(state()), () => changes++, clock);
    const look = async () => {
      await clock.advance(1_000);
      return changes;
    };
    await body({ folder, path, look, lookTwice: () => look().then(look) });
    end();
    assertEquals(clock.pending, 0);
  });
}

Deno.test("watchFiles() tells of a file that is written in place, and is then told of the next", async () => {
  await watching(async ({ path, lookTwice }) => {
    assertEquals(await lookTwice(), 0);
    await writeFile(path, "bb");
    assertEquals(await lookTwice(), 1);
    await writeFile(path, "ccc");
    assertEquals(await lookTwice(), 2);
  });
});

Deno.test("watchFiles() tells of a file that another one takes the name of", async () => {
  await watching(async ({ folder, path, lookTwice }) => {
    await writeFile(join(folder, "new"), "b");
    assertEquals(await lookTwice(), 0);
    await rename(join(folder, "new"), path);
    assertEquals(await lookTwice(), 1);
  });
});

Deno.test("watchFiles() tells of a file that comes back, not of one that is gone", async () => {
  await watching(async ({ path, lookTwice }) => {
    await rm(path);
    assertEquals(await lookTwice(), 0);
    await writeFile(path, "bb");
    assertEquals(await lookTwice(), 1);
  });
});

Deno.test("watchFiles() tells of links that are turned, as those of a ConfigMap", async () => {
  const prepare = async (folder: string) => {
    for (const version of ["v1", "v2"]) {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, "config.yaml"), version);
    }
    await symlink("v1", join(folder, "data"));
    await symlink("data/config.yaml", join(folder, "config.yaml"));
  };
  await watching(async ({ folder, lookTwice }) => {
    await symlink("v2", join(folder, "data.new"));
    await rename(join(folder, "data.new"), join(folder, "data"));
    assertEquals(await lookTwice(), 1);
    await writeFile(join(folder, "v2", "config.yaml"), "other");
    assertEquals(await lookTwice(), 2);
  }, { prepare });
});

Deno.test("watchFiles() tells once of a file that is written bit by bit", async () => {
  await watching(async ({ path, look, lookTwice }) => {
    for (let bits = 2; bits <= 10; bits++) {
      await writeFile(path, "x".repeat(bits));
      assertEquals(await look(), 0);
    }
    assertEquals(await lookTwice(), 1);
    assertEquals(await lookTwice(), 1);
  });
});

Deno.test("watchFiles() tells of included files that change, come and go", async () => {
  await withFolder(async (folder) => {
    await mkdir(join(folder, "sites.d"));
    const patterns = [join(folder, "sites.d", "*.yaml")];
    const [one, two] = ["one", "two"].map((name) => join(folder, "sites.d", `${name}.yaml`));
    await writeFile(one!, "a");
    await watching(async ({ lookTwice }) => {
      await writeFile(one!, "bb");
      assertEquals(await lookTwice(), 1);
      await writeFile(two!, "a");
      assertEquals(await lookTwice(), 2);
      await rm(one!);
      assertEquals(await lookTwice(), 3);
    }, { patterns });
  });
});

Deno.test("watchFiles() goes on where the files could not be looked at", async () => {
  const clock = new FakeClock();
  const states = ["a", null, new Error("the thread ended"), "b", "b"];
  let changes = 0;
  const look = () => {
    const state = states.shift()!;
    return state instanceof Error ? Promise.reject(state) : Promise.resolve(state);
  };
  const end = watchFiles("a", look, () => changes++, clock);
  while (states.length > 0) await clock.advance(1_000);
  end();
  assertEquals([changes, clock.pending], [1, 0]);
});
