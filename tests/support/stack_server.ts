/**
 * Runs one server for a test process until that process is gone: `stack_server.ts kafka|postgres
 * PID FOLDER`. Its address goes into FOLDER/address, an error into FOLDER/error.
 *
 * A process of its own, since the files of one `deno test` run in isolates that come and go, and
 * since a child process started in a test would be that test's leak.
 */
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { dataFolder, quickestFolder } from "../../local/data_folder.ts";
import { startKafka } from "../../local/kafka/kafka.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";

const [kind, pid, folder] = process.argv.slice(2) as [string, string, string];

function testsRun(): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

async function tell(name: "address" | "error", text: string): Promise<void> {
  // Renamed into place, so that a reader sees all of it or nothing.
  await writeFile(join(folder, `${name}.partial`), text);
  await rename(join(folder, `${name}.partial`), join(folder, name));
}

const data = await dataFolder(undefined, await quickestFolder());
try {
  if (kind === "kafka") {
    await tell("address", (await startKafka({ folder: data.path })).brokers.join(","));
  } else {
    const settings = { max_connections: "200" };
    await tell("address", (await startPostgres({ folder: data.path, settings })).dsn);
  }
} catch (error) {
  await tell("error", error instanceof Error ? error.message : String(error));
}
while (testsRun()) await new Promise((resolve) => setTimeout(resolve, 300));
await rm(folder, { recursive: true, force: true });
// Nothing in it is worth an orderly stop: at our exit the guards end the server and remove the data.
process.exit(0);
