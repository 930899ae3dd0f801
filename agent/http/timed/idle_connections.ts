import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../../../runtime/clock.ts";
import type { Allowance } from "../../condition/allowance.ts";
import type { Target } from "../target.ts";
import type { HttpError } from "../errors.ts";
import type { TlsRecord, WholeRequest } from "../types.ts";

/** A connection that requests can go over. */
export interface Connection {
  socket: Socket;
  /** Whether HTTP/2 was agreed on; its session begins with the first request. */
  isHttp2: boolean;
  session: ClientHttp2Session | null;
  /** Where a proxy forwards what is asked: its Proxy-Authorization, or null. */
  forwards: { authorization: string | null } | null;
  tls: TlsRecord | null;
  /** Why the certificate does not verify, or null. */
  tlsError: HttpError | null;
  remoteAddress: string;
  /** Whether that is the site's and public; taken to be so behind a proxy that resolves the name. */
  isPublic: boolean;
  /** Monotonic time when it was made. */
  madeAt: number;
}

export function closeConnection({ session, socket }: Connection): void {
  session?.destroy();
  socket.destroy();
}

/** None is kept where checks and other idle ones take this share of the descriptors. */
const IDLE_SHARE = 0.5;
/** The greatest age of a connection that is used again: a switched address or certificate is seen. */
const MAX_AGE_MS = 60_000;
/** Methods that may be sent again if the connection turns out to be dead (RFC 9110, 9.2.1). */
const REPEATABLE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Connections kept for the sites that have `reuseConnection`. */
export class IdleConnections {
  readonly #idle = new Map<string, { connection: Connection; stop: () => void }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What two requests must share to share a connection; null where this one may not. */
  key(request: WholeRequest, target: Target): string | null {
    if (!request.reuseConnection || !REPEATABLE.has(request.method)) return null;
    const { secure, host, port } = target;
    const { proxy, ipVersion, httpVersion, tls } = request;
    const to = request.resolve[host];
    return JSON.stringify({ secure, host, port, to, proxy, ipVersion, httpVersion, tls });
  }

  /** Takes the one that is there, if it is not too old. */
  take(key: string): Connection | null {
    const entry = this.#idle.get(key);
    if (entry === undefined) return null;
    entry.stop();
    if (this.#clock.monotonic() - entry.connection.madeAt < MAX_AGE_MS) return entry.connection;
    closeConnection(entry.connection);
    return null;
  }

  /** Keeps it until the site closes it, says anything, or it is too old. */
  put(key: string, connection: Connection, allowance?: Allowance): void {
    const { socket, session } = connection;
    const other = this.#idle.get(key);
    other?.stop();
    if (other) closeConnection(other.connection);
    if (allowance?.takeSocket(IDLE_SHARE) === false) return closeConnection(connection);
    const drop = () => {
      stop();
      closeConnection(connection);
    };
    const age = this.#clock.monotonic() - connection.madeAt;
    const cancelTimer = this.#clock.after(Math.max(0, MAX_AGE_MS - age), drop);
    const stop = () => {
      if (this.#idle.get(key)?.connection === connection) {
        this.#idle.delete(key);
        allowance?.giveSocket();
      }
      cancelTimer();
      socket.off("data", drop).off("end", drop).off("close", drop);
      session?.off("goaway", drop);
    };
    this.#idle.set(key, { connection, stop });
    socket.on("close", drop);
    // A session has frames of its own to read.
    if (session) session.on("goaway", drop);
    else socket.on("data", drop).on("end", drop);
    if (socket.destroyed) drop();
  }

  /** Closes them all. */
  close(): void {
    for (const { connection, stop } of [...this.#idle.values()]) {
      stop();
      closeConnection(connection);
    }
  }
}
