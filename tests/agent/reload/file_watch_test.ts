import { assertEquals } from "@std/assert";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileWatch } from "../../../agent/reload/file_watch.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { until, withFolder } from "../support.ts";

interface Watched {
  folder: string;
  path: string;
  /** Changes that were told so far. */
  changes: () => number;
}

/** Runs `body` with a file "config.yaml" that is watched. */
async function watching(
  body: (it: Watched) => Promise<void>,
  {
    prepare = (folder: string) => writeFile(join(folder, "config.yaml"), "a"),
    clock = systemClock as Clock,
    patterns = [] as string[],
  } = {},
) {
  await withFolder(async (folder) => {
    await prepare(folder);
    const path = join(folder, "config.yaml");
    const failures: unknown[] = [];
    let changes = 0;
    const watch = new FileWatch({
      path,
      patterns,
      clock,
      onChange: () => changes++,
      onFailure: (error) => failures.push(error),
    });
    watch.start();
    try {
      await body({ folder, path, changes: () => changes });
    } finally {
      watch.close();
    }
    assertEquals(failures, []);
  });
}

/** Waits until the file is to be looked at, and lets that happen. */
async function look(clock: FakeClock) {
  await until(() => clock.pending === 1, "the file is to be looked at");
  await clock.advance(200);
}

Deno.test("FileWatch tells of a file that is written in place, and is then told of the next", async () => {
  await watching(async ({ path, changes }) => {
    await writeFile(path, "b");
    await until(() => changes() === 1, "the first change is told");
    await writeFile(path, "cc");
    await until(() => changes() === 2, "the second change is told");
  });
});

Deno.test("FileWatch tells of a file that another one takes the name of", async () => {
  await watching(async ({ folder, path, changes }) => {
    await writeFile(join(folder, "new"), "b");
    await rename(join(folder, "new"), path);
    await until(() => changes() === 1, "the change is told");
  });
});

Deno.test("FileWatch tells of a file that comes back, not of one that is gone", async () => {
  const clock = new FakeClock();
  await watching(async ({ path, changes }) => {
    await look(clock);
    await rm(path);
    await look(clock);
    await look(clock);
    await writeFile(path, "b");
    await look(clock);
    assertEquals(changes(), 0);
    await until(async () => (await clock.advance(200), changes() > 0), "the change is told");
    assertEquals(changes(), 1);
  }, { clock });
});

Deno.test("FileWatch tells of links that are turned, as those of a ConfigMap", async () => {
  const prepare = async (folder: string) => {
    for (const version of ["v1", "v2"]) {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, "config.yaml"), version);
    }
    await symlink("v1", join(folder, "data"));
    await symlink("data/config.yaml", join(folder, "config.yaml"));
  };
  await watching(async ({ folder, changes }) => {
    await symlink("v2", join(folder, "data.new"));
    await rename(join(folder, "data.new"), join(folder, "data"));
    await until(() => changes() === 1, "the change is told");
  }, { prepare });
});

Deno.test("FileWatch tells of a change behind a link, in another folder", async () => {
  const prepare = async (folder: string) => {
    await mkdir(join(folder, "elsewhere"));
    await writeFile(join(folder, "elsewhere", "real.yaml"), "a");
    await symlink("elsewhere/real.yaml", join(folder, "config.yaml"));
  };
  await watching(async ({ folder, changes }) => {
    await writeFile(join(folder, "elsewhere", "real.yaml"), "bb");
    await until(() => changes() === 1, "the change is told");
  }, { prepare });
});

Deno.test("FileWatch says nothing of other files in the folder", async () => {
  const clock = new FakeClock();
  await watching(async ({ folder, path, changes }) => {
    await look(clock);
    await writeFile(join(folder, "other"), "b");
    await look(clock);
    await writeFile(path, "b");
    await until(async () => (await clock.advance(200), changes() > 0), "the change is told");
    assertEquals(changes(), 1);
  }, { clock });
});

Deno.test("FileWatch tells once of a file that is written bit by bit", async () => {
  const clock = new FakeClock();
  await watching(async ({ path, changes }) => {
    await look(clock);
    for (let bits = 2; bits <= 10; bits++) {
      await writeFile(path, "x".repeat(bits));
      await look(clock);
      assertEquals(changes(), 0);
    }
    await until(async () => (await clock.advance(200), changes() > 0), "the change is told");
    assertEquals(changes(), 1);
  }, { clock });
});

Deno.test("FileWatch says that it cannot watch a folder that is not there", () => {
  const failures: unknown[] = [];
  const watch = new FileWatch({
    path: "/nowhere/at/all/config.yaml",
    patterns: [],
    clock: systemClock,
    onChange: () => {},
    onFailure: (error) => failures.push(error),
  });
  watch.start();
  assertEquals(failures.length, 1);
  watch.close();
});

Deno.test("FileWatch tells of included files that change, come and go", async () => {
  await withFolder(async (folder) => {
    await mkdir(join(folder, "sites.d"));
    const patterns = [join(folder, "sites.d", "*.yaml")];
    const [one, two] = ["one", "two"].map((name) => join(folder, "sites.d", `${name}.yaml`));
    await writeFile(one!, "a");
    await watching(async ({ changes }) => {
      await writeFile(one!, "bb");
      await until(() => changes() === 1, "the change is told");
      await writeFile(two!, "a");
      await until(() => changes() === 2, "the new file is told");
      await rm(one!);
      await until(() => changes() === 3, "the missing file is told");
    }, { patterns });
  });
});
