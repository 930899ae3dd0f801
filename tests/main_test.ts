import { assertEquals } from "@std/assert";
import { helpText } from "../runtime/cli/help.ts";
import { VERSION } from "../runtime/cli/version.ts";
import { ROOT } from "../scripts/build/project.ts";
import { denoEnv } from "./support/program/task_command.ts";

const ANSWERS = [
  ["--version", `httpmon ${VERSION}\n`],
  ["-v", `httpmon ${VERSION}\n`],
  ["--help", `${helpText(null)}\n`],
  ["-h", `${helpText(null)}\n`],
  ["agent --help", `${helpText("agent")}\n`],
  ["--help check", `${helpText("check")}\n`],
] as const;

for (const [args, answer] of ANSWERS) {
  Deno.test(`"httpmon ${args}" needs no permission`, async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", `${ROOT}main.ts`, ...args.split(" ")],
      env: denoEnv(),
      clearEnv: true,
    }).output();
    const decoder = new TextDecoder();
    assertEquals(
      { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) },
      { code: 0, stdout: answer, stderr: "" },
    );
  });
}
