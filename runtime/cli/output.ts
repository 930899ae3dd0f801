import process from "node:process";
import { EXIT, type ExitCode } from "./exit_codes.ts";

/** Takes some of the output; the next comes when it resolves. */
export type Print = (output: string | Uint8Array) => Promise<void>;

/** The reader of the output, or the disk that it goes to, takes no more. */
class OutputError extends Error {}

/**
 * Runs `work`, which prints to standard output. A reader that has seen enough, as `head` does, ends it
 * quietly; anything else that the output does not take is told as such.
 *
 * @param signal From its abort on nobody waits for the reader any more
 * @returns What `work` does, where the output takes all
 */
export async function withOutput(
  signal: AbortSignal,
  work: (print: Print) => Promise<ExitCode>,
): Promise<ExitCode> {
  // A failed write is told twice: to its callback, and as an event that would end the process.
  const ignore = () => {};
  process.stdout.on("error", ignore);
  try {
    return await work((output) => print(output, signal));
  } catch (error) {
    if (!(error instanceof OutputError)) throw error;
    if ((error.cause as NodeJS.ErrnoException).code === "EPIPE") return EXIT.done;
    console.error(`httpmon: Cannot write to standard output: ${error.message}`);
    return EXIT.failed;
  } finally {
    process.stdout.off("error", ignore);
  }
}

async function print(output: string | Uint8Array, signal: AbortSignal): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      signal.onabort = () => resolve();
      process.stdout.write(output, (error) => error ? reject(error) : resolve());
    });
  } catch (error) {
    throw new OutputError((error as Error).message, { cause: error });
  }
}
