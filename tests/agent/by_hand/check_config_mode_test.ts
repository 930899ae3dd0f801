import { assertEquals, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const FIXTURES = fileURLToPath(new URL("../../fixtures/config/", import.meta.url));

/** Runs the program without network and without leave to write. */
function checkConfig(file: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const args = [
    "run",
    "--no-prompt",
    "--allow-read",
    "--allow-env",
    "--allow-sys=hostname",
  ];
  return new Promise((resolve) =>
    execFile(
      Deno.execPath(),
      [...args, "--no-check", MAIN, "check-config", "-c", file],
      {
        cwd: FIXTURES,
        env: { ...Deno.env.toObject(), TEST_SECRET: "s3cret", INIT_CWD: undefined },
      },
      (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout: String(stdout), stderr: String(stderr) }),
    )
  );
}

Deno.test("httpmon check-config prints what would run, without a secret, and ends with 0", async () => {
  const { code, stdout, stderr } = await checkConfig("good/sites.yaml");
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, 'Config "good/sites.yaml" is fine\n');
  assertStringIncludes(stdout, "\nsites     7, ");
  assertStringIncludes(stdout, "everything (https://example.com/)");
  assertEquals(/s3cret|hunter2/.test(stdout), false);
});

Deno.test("httpmon check-config reads the whole file, and prints all that is wrong for 2", async () => {
  const { code, stdout, stderr } = await checkConfig("good/unused_sections.yaml");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, 'httpmon: Config "good/unused_sections.yaml" has 3 problems:\n');
  assertStringIncludes(stderr, 'expected the variable "TEST_KAFKA_PASSWORD" in the environment');
  assertStringIncludes(stderr, '"nowhere/dsn.txt", which does not exist');
});
