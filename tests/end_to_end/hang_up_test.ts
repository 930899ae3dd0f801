import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../local/wait.ts";
import { Program } from "../support/program/program.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";

/** No server is there, which they wait for. */
const CONFIG = `
kafka: {monitoring: {bootstrap_servers: "127.0.0.1:9"}}
database: {writer: {dsn: "postgres://127.0.0.1:9/none"}}
web: {listen: 0}
`;

for (const mode of ["writer", "alerts", "web"] as const) {
  Deno.test(`httpmon ${mode} goes on at SIGHUP, and says that it takes no config over`, async () => {
    const cwd = await mkdtemp(join(tmpdir(), "httpmon-hang-up-"));
    try {
      await writeFile(join(cwd, "config.yaml"), CONFIG);
      const command = [...taskCommand(mode), "-c", "config.yaml"];
      await using program = new Program({ command, cwd, env: denoEnv() });
      const logs = (text: string) => waitFor(text, () => program.stderr.includes(text), 60_000);
      await logs("ECONNREFUSED");
      program.signal("SIGHUP");
      await logs("at its start only");
      await program.stops(60_000);
    } finally {
      await rm(cwd, { recursive: true });
    }
  });
}
