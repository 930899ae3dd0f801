import type { Pool } from "pg";
import { EXIT, type ExitCode } from "../../runtime/cli/exit_codes.ts";
import { explainFailure } from "./explain_failure.ts";

/**
 * Closes the pool after `work`, which a mode that asks the database and then ends does. A failure of
 * the database's, or of the way to it, is a line on standard error and exit status 1.
 *
 * @param hint Follows on such a line @default none
 */
export async function withPool(
  pool: Pool,
  work: () => Promise<ExitCode>,
  hint = "",
): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    console.error(`httpmon: ${explainFailure(error)}${hint}`);
    return EXIT.failed;
  } finally {
    await pool.end();
  }
}
