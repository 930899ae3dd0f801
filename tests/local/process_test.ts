import { assert, assertEquals } from "@std/assert";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "../../local/process.ts";
import { logTail, waitFor } from "../../local/wait.ts";

async function withLog(run: (log: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-test-"));
  try {
    await run(join(folder, "log"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

Deno.test("startProcess() passes arguments, environment, output and exit code through", async () => {
  await withLog(async (log) => {
    const script = 'echo "$1 $NAME"; echo oops >&2; exit 7';
    const started = await startProcess(["sh", "-c", script, "sh", "a 'b\" $c"], {
      log,
      env: { ...Deno.env.toObject(), NAME: "value" },
    });
    assertEquals(await started.exited, 7);
    assert(started.ended);
    assertEquals(await readFile(log, "utf8"), "a 'b\" $c value\noops\n");
  });
});

Deno.test("startProcess() ends with 127 for a program that is not there", async () => {
  await withLog(async (log) => {
    const started = await startProcess(["/nowhere/program"], { log });
    assertEquals(await started.exited, 127);
  });
});

Deno.test("LocalProcess.pid is the program's own, and kill() reaches it", async () => {
  await withLog(async (log) => {
    const started = await startProcess(["sh", "-c", "echo $$; exec sleep 60"], { log });
    await waitFor("the program's pid", async () => (await logTail(log)) !== "", 60_000);
    assertEquals(Number(await readFile(log, "utf8")), started.pid);
    assert(started.kill("SIGTERM"));
    assertEquals(await started.exited, 128 + 15);
    assertEquals(started.kill("SIGTERM"), false);
  });
});

Deno.test("LocalProcess.running() waits for a SIGKILL to do its work", async () => {
  await withLog(async (log) => {
    const started = await startProcess(["sleep", "60"], { log });
    assert(await started.running());
    started.kill("SIGKILL");
    assertEquals(await started.running(), false);
    assert(started.ended);
  });
});

Deno.test("LocalProcess.stop() ends a program that ignores the signal", async () => {
  await withLog(async (log) => {
    const script = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
    const started = await startProcess(["sh", "-c", script], { log });
    await waitFor("the trap", async () => (await logTail(log)) !== "", 60_000);
    await started.stop("SIGTERM", 100);
    assertEquals(await started.exited, 128 + 9);
  });
});

Deno.test("LocalProcess.stop() ends a program that a signal has stopped", async () => {
  await withLog(async (log) => {
    const started = await startProcess(["sleep", "60"], { log });
    started.kill("SIGSTOP");
    await started.stop("SIGTERM", 120_000);
    assertEquals(await started.exited, 128 + 15);
  });
});
