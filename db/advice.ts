/**
 * What a person should do about a failure of the database, in a few words; null where the failure
 * says it all. Also for errors of pg's own, whose texts speak of its inside.
 */
export function adviceFor(error: unknown): string | null {
  const { code, message = "" } = Object(error) as { code?: unknown; message?: string };
  switch (code) {
    case "42P01": // undefined table
    case "42883": // undefined function
    case "42703": // undefined column
      return 'run "httpmon init-schema" first';
    case "42501": // insufficient privilege
      return "give the role its rights, see docs/tables.md";
    case "28P01": // wrong password
      return "check the user and the password in the DSN";
    case "28000": // pg_hba.conf
      return "check the DSN's user, database and sslmode against the server's pg_hba.conf";
    case "3D000": // no such database
      return "make the database, or check its name in the DSN";
  }
  if (/client password must be a string/.test(message)) {
    return "the server asks for a password, and the DSN has none (PGPASSWORD serves as well)";
  }
  return null;
}
