const SILENT =
  "the database does not answer: see whether it is up, overloaded or behind a firewall";

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
      return "give the role its rights, see docs/security.md";
    case "22P05": // a character that the server's encoding has not
      return "the database's encoding must be UTF8: make one with it, and move the tables there";
    case "2200H": // sequence at its end
      return "a sequence has come to its end, see pg_sequences";
    case "55P03": // lock not available
      return "another session holds a lock: pg_locks and pg_blocking_pids() tell which";
    case "25006": // read-only transaction
      return "the database is read-only: a standby, or default_transaction_read_only is on";
    case "28P01": // wrong password
      return "check the user and the password in the DSN";
    case "28000": // pg_hba.conf
      return "check the DSN's user, database and sslmode against the server's pg_hba.conf";
    case "3D000": // no such database
      return "make the database, or check its name in the DSN";
    case "53100": // disk full
      return 'make room on the database\'s disk, see "Growing a disk" in docs/runbook.md';
    case "53200": // out of memory
      return "the database's machine is out of memory, see its log";
    case "53300": // too many connections
      return "the server (max_connections) or the role (CONNECTION LIMIT) has no connection left: " +
        "allow more, or see in pg_stat_activity who holds them";
    case "57P03": // cannot connect now
      return "the database starts up, shuts down or recovers: it is waited for";
    case "ECONNREFUSED":
      return "nobody listens there: start the database, or correct the DSN";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the name of the database's host is not found: see the resolver, or correct the DSN";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
      return "no way leads to the database: see the network, or correct the DSN";
    case "ETIMEDOUT":
      return SILENT;
  }
  if (/^(timeout e|Query read timeout|Connection terminated due to)/.test(message)) return SILENT;
  if (/client password must be a string/.test(message)) {
    return "the server asks for a password, and the DSN has none (PGPASSWORD serves as well)";
  }
  return null;
}
