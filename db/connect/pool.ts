import pg from "pg";
import type { Logger } from "../../runtime/log/log.ts";
import { parseDsn } from "../../runtime/dsn.ts";
import { type Encryption, encryptionsOf } from "./tls.ts";

/** How a pool behaves. */
export interface PoolSettings {
  /** The most connections at a time. */
  max: number;
  /** "httpmon-writer" for one; shown in pg_stat_activity. The DSN's own wins. */
  applicationName: string;
  /**
   * Milliseconds after which a statement fails here, answer or not, so that a connection that leads
   * nowhere is noticed; 0: never.
   *
   * @default 30,000, over the 25 s at which the server ends a writer's statement: a connection that a
   * firewall forgot costs no more, as the idle ones of a pool are closed after 10 s
   */
  queryTimeoutMs?: number;
  /** The server's settings in its sessions, by name; they win over the DSN's own. @default none */
  session?: Readonly<Record<string, string>>;
  log: Logger;
}

/** Sessions that refuse to change anything. */
export const READ_ONLY = { default_transaction_read_only: "on" };

const CONNECT_TIMEOUT_S = 10;
const QUERY_TIMEOUT_MS = 30_000;
/** Idle this long, a connection is probed, so that one that a firewall dropped is noticed. */
const KEEPALIVE_IDLE_S = 30;

/**
 * A pool of connections to the database that `dsn` names. None is opened yet. A connection that is
 * lost, idle or in use, is a WARN in the log and an error of the query under way, never of the
 * process.
 *
 * @param dsn A URL or libpq's key=value; sslmode and the ssl files mean what they mean there
 * @throws {UsageError} For a bad DSN or a certificate file that cannot be read
 */
export function createPool(dsn: string, settings: PoolSettings): pg.Pool {
  const parsed = parseDsn(dsn);
  const timeout = parsed.connect_timeout ?? CONNECT_TIMEOUT_S;
  const pool = new EncryptingPool({
    host: parsed.host,
    port: parsed.port,
    user: parsed.user,
    password: parsed.password,
    database: parsed.dbname,
    options: [
      ...(parsed.options ? [parsed.options] : []),
      ...Object.entries(settings.session ?? {}).map(([name, value]) => `-c ${name}=${value}`),
    ].join(" ") || undefined,
    application_name: parsed.application_name ?? settings.applicationName,
    sslnegotiation: parsed.sslnegotiation,
    enableChannelBinding: parsed.channel_binding === "require",
    connectionTimeoutMillis: timeout * 1000,
    keepAlive: parsed.keepalives ?? true,
    keepAliveInitialDelayMillis: (parsed.keepalives_idle ?? KEEPALIVE_IDLE_S) * 1000,
    query_timeout: settings.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
    max: settings.max,
    Client: ClosingClient,
  }, encryptionsOf(parsed));
  const { log } = settings;
  // In use: the query fails as well, and its caller tells. Idle: nobody else would.
  pool.on("connect", (client) => client.on("error", (error) => noticeLoss(error, log)));
  pool.on("error", () => {});
  return pool;
}

function noticeLoss(error: Error, log: Logger): void {
  log.warn({ error }, "Lost a connection to the database");
}

/** Options of pg that its types do not have. */
type Options = pg.PoolConfig & {
  sslnegotiation?: "postgres" | "direct";
};

/** pg leaves a connection open that it cannot log in on, for the minute that the server waits. */
class ClosingClient extends pg.Client {
  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<pg.Client> | void {
    const connected = super.connect().catch((error) => {
      void this.end().catch(() => {});
      throw error;
    });
    if (!callback) return connected;
    connected.then(() => callback(null as never), callback);
  }
}

/** A pool that tries the ways to encrypt in their order, and stays with the one that worked. */
class EncryptingPool extends pg.Pool {
  readonly #encryptions: readonly Encryption[];
  /** Index of the way in use. */
  #current = 0;

  constructor(options: Options, encryptions: readonly Encryption[]) {
    super({ ...options, ssl: encryptions[0] });
    this.#encryptions = encryptions;
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: ConnectCallback): void;
  override connect(callback?: ConnectCallback): Promise<pg.PoolClient> | void {
    const client = this.#connect();
    if (!callback) return client;
    client.then(
      (client) => callback(undefined, client, (destroy) => client.release(destroy)),
      (error) => callback(error, undefined, () => {}),
    );
  }

  async #connect(): Promise<pg.PoolClient> {
    const tried = this.#current;
    try {
      return await super.connect();
    } catch (error) {
      if (this.#encryptions.length === 1 || !isAboutEncryption(error)) throw error;
      // Another caller may have changed over meanwhile.
      if (this.#current === tried) this.#use(1 - tried);
      return await super.connect().catch((other) => {
        // Of two refusals, the one that is not about encryption alone says what is wrong.
        throw isNoTls(other) ? error : other;
      });
    }
  }

  #use(index: number): void {
    this.#current = index;
    this.options.ssl = this.#encryptions[index];
  }
}

type ConnectCallback = (
  error: Error | undefined,
  client: pg.PoolClient | undefined,
  done: (release?: Error | boolean) => void,
) => void;

/** Whether a server says that it has no TLS at all. */
function isNoTls(error: unknown): boolean {
  return /server does not support SSL/.test((error as Error).message);
}

/** Whether a server might take the connection with, or without, TLS. */
function isAboutEncryption(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  // 28000: pg_hba.conf has no line for this host, user, database and (no) encryption.
  if (code === "28000") return true;
  return /does not support SSL|establishing an SSL connection|SSL routines|TLS/i
    .test(message ?? "");
}
