/** A real Prometheus, for tests on machines that have one. */
import { assertEquals } from "@std/assert";
import { freePort } from "../../../local/ports.ts";
import { Program } from "../program/program.ts";
import { denoEnv } from "../program/task_command.ts";

/** A series that a query gave, and its value now. */
export interface Series {
  metric: Record<string, string>;
  value: [at: number, value: string];
}

/** Whether a command of this name can be run. */
export async function isInstalled(command: string): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

/**
 * Starts a Prometheus in `cwd`, where its prometheus.yml is. It is stopped with `parts`.
 *
 * @returns It, and what asks it: nothing until it answers; an error of the query fails the test
 */
export async function startPrometheus(
  parts: AsyncDisposableStack,
  cwd: string,
): Promise<{ prometheus: Program; query: (expression: string) => Promise<Series[]> }> {
  const port = await freePort();
  const prometheus = parts.use(
    new Program({
      command: [
        "prometheus",
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      cwd,
      env: denoEnv(),
    }),
  );
  const query = async (expression: string): Promise<Series[]> => {
    prometheus.assertRuns();
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const answer = await fetch(url).catch(() => null);
    const { data, error } = answer ? await answer.json().catch(() => ({})) : {} as never;
    assertEquals(error, undefined, expression);
    return data?.result ?? [];
  };
  return { prometheus, query };
}
