import { UsageError } from "./cli/exit_codes.ts";

/** The ways that libpq knows to use TLS. */
export const SSL_MODES = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
] as const;
export type SslMode = typeof SSL_MODES[number];

/** A connection string, read. Absent keys take libpq's defaults and PG... variables. */
export interface Dsn {
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  dbname?: string;
  options?: string;
  application_name?: string;
  sslmode?: SslMode;
  /** Paths of files, or "system" for the runtime's own authorities. */
  sslrootcert?: string;
  sslcert?: string;
  sslkey?: string;
  sslpassword?: string;
  sslnegotiation?: "postgres" | "direct";
  channel_binding?: "disable" | "prefer" | "require";
  /** Seconds. */
  connect_timeout?: number;
  keepalives?: boolean;
  /** Seconds. */
  keepalives_idle?: number;
}

/** Keys of libpq that change nothing here; refusing them would refuse DSNs that work elsewhere. */
const WITHOUT_EFFECT = new Set([
  "client_encoding",
  "fallback_application_name",
  "gssencmode",
  "keepalives_count",
  "keepalives_interval",
  "sslcompression",
  "sslsni",
  "target_session_attrs",
  "tcp_user_timeout",
]);

/**
 * Reads a connection string as libpq does: "postgres://user:password@host:port/database?key=value"
 * or "host=... dbname=... password='...'".
 *
 * @throws {UsageError} For one that is not valid; the message holds no part of it but names of keys
 */
export function parseDsn(dsn: string): Dsn {
  const text = dsn.trim();
  const pairs = /^postgres(ql)?:\/\//i.test(text) ? urlPairs(text) : keywordPairs(text);
  const parsed: Dsn = {};
  for (const [key, value] of pairs) {
    if (value !== "") set(parsed, key, value);
  }
  return parsed;
}

/** What is wrong with a connection string, to follow "which is wrong: "; null: nothing is. */
export function dsnProblem(dsn: string): string | null {
  try {
    parseDsn(dsn);
    return null;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message.slice(WRONG.length);
  }
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS */
function urlPairs(text: string): [string, string][] {
  // A raw "@" behind the host is that of a password which ended early, at a "/".
  const shape = /^[a-z]+:\/\/(?:([^@/?#]*)@)?([^/?#@]*)(?:\/([^?#@]*))?(?:\?([^#]*))?$/i.exec(text);
  if (!shape) {
    throw bad(
      'not a valid URL, expected "postgres://user:password@host:port/database"; write special ' +
        'characters of the password as "%40" for "@", "%2F" for "/", "%23" for "#"',
    );
  }
  const [, login = "", address = "", database = "", query = ""] = shape;
  const colon = login.indexOf(":");
  const place = /^(\[[^\]]*\]|[^:,]*)(?::(\d*))?$/.exec(address);
  if (!place) {
    throw bad(
      address.includes(",") ? "several hosts, expected one" : "not a valid host and port",
    );
  }
  const pairs: [string, string][] = [
    ["user", colon < 0 ? login : login.slice(0, colon)],
    ["password", colon < 0 ? "" : login.slice(colon + 1)],
    ["host", (place[1] ?? "").replace(/^\[(.*)\]$/, "$1")],
    ["port", place[2] ?? ""],
    ["dbname", database],
  ];
  for (const part of query.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    if (equals < 0) throw bad(`key "${part}" has no value`);
    pairs.push([part.slice(0, equals), part.slice(equals + 1)]);
  }
  return pairs.map(([key, value]) => [decoded(key), decoded(value)]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad('a "%" that no two hexadecimal digits follow, write "%" as "%25"');
  }
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE */
function keywordPairs(text: string): [string, string][] {
  const pairs: [string, string][] = [];
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/suy;
  while (pair.lastIndex < text.length) {
    const match = pair.exec(text);
    if (!match) {
      throw bad(
        'expected "postgres://..." or "key=value key=\'value with blanks\'"',
      );
    }
    pairs.push([match[1]!, (match[2] ?? match[3]!).replace(/\\(.)/gsu, "$1")]);
  }
  if (pairs.length === 0) throw bad("empty");
  return pairs;
}

function set(to: Dsn, key: string, value: string): void {
  switch (key) {
    case "host":
      if (value.includes(",")) throw bad("several hosts, expected one");
      to.host = value;
      break;
    case "user":
    case "password":
    case "dbname":
    case "options":
    case "application_name":
    case "sslrootcert":
    case "sslcert":
    case "sslkey":
    case "sslpassword":
      to[key] = value;
      break;
    case "port":
      to.port = integer(key, value, 1, 65_535);
      break;
    case "connect_timeout":
    case "keepalives_idle":
      to[key] = integer(key, value, 0, 86_400);
      break;
    case "keepalives":
      to.keepalives = oneOf(key, value, ["0", "1"]) === "1";
      break;
    case "sslmode":
      to.sslmode = oneOf(key, value, SSL_MODES);
      break;
    case "sslnegotiation":
      to.sslnegotiation = oneOf(key, value, ["postgres", "direct"]);
      break;
    case "channel_binding":
      to.channel_binding = oneOf(key, value, ["disable", "prefer", "require"]);
      break;
    default:
      if (!WITHOUT_EFFECT.has(key)) throw bad(`unknown key "${key}"`);
  }
}

function integer(key: string, value: string, least: number, most: number): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most) {
    throw bad(`key "${key}": expected a whole number from ${least} to ${most}`);
  }
  return number;
}

function oneOf<const T extends string>(key: string, value: string, choices: readonly T[]): T {
  if (!choices.includes(value as T)) {
    throw bad(`key "${key}": expected one of ${choices.join(", ")}`);
  }
  return value as T;
}

const WRONG = "The database's connection string (DSN) is wrong: ";

function bad(what: string): UsageError {
  return new UsageError(`${WRONG}${what}`);
}
