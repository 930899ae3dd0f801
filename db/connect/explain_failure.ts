import pg from "pg";
import { adviceFor } from "./advice.ts";
import { SchemaError } from "../schema/schema_error.ts";

/**
 * What went wrong, in a line for a person, of a failure that the database or the way to it caused.
 *
 * @throws What it is handed, if that is something else: a wrong argument or a defect
 */
export function explainFailure(error: unknown): string {
  if (error instanceof SchemaError) return error.message;
  if (error instanceof pg.DatabaseError) {
    const advice = adviceFor(error);
    return `The database refuses: ${error.message}${advice === null ? "" : `; ${advice}`}`;
  }
  const advice = adviceFor(error);
  const { code, message } = error as NodeJS.ErrnoException;
  const lost = /^(Connection terminated|timeout e|Query read timeout|The server does not support)/;
  if (isOfSystem(code) || lost.test(message)) {
    return `Cannot reach the database: ${message || code}${advice === null ? "" : `; ${advice}`}`;
  }
  if (advice !== null) return `Cannot log in to the database: ${advice}`;
  throw error;
}

/** ECONNREFUSED, ENOTFOUND and the like, and what TLS finds wrong with a certificate. */
function isOfSystem(code: unknown): boolean {
  return typeof code === "string" &&
    (/^E[A-Z]+$/.test(code) || /^(ERR_(TLS|SSL)|CERT_|UNABLE_|SELF_SIGNED|DEPTH_ZERO)/.test(code));
}
