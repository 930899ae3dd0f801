import process from "node:process";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { EXIT, type ExitCode, UsageError } from "../../runtime/cli/exit_codes.ts";
import { hashPassword } from "./password.ts";

const MIN_LENGTH = 8;

/**
 * `httpmon web --hash-password`: reads a password, from a terminal without showing it, and prints its
 * hash for `web.users`.
 *
 * @throws {UsageError} For none, or a short one
 */
export async function hashPasswordMode(): Promise<ExitCode> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) stderr.write("Password: ");
  // What is typed would be shown by what readline writes to.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: nowhere, terminal: stdin.isTTY });
  const password = await new Promise<string>((resolve) => {
    lines.once("line", resolve);
    lines.once("close", () => resolve(""));
    lines.once("SIGINT", () => lines.close());
  });
  lines.close();
  if (stdin.isTTY) stderr.write("\n");
  if (password.length < MIN_LENGTH) {
    throw new UsageError(`A password needs ${MIN_LENGTH} characters at least`);
  }
  console.log(await hashPassword(password));
  return EXIT.done;
}
