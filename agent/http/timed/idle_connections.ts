import type { Socket } from "node:net";
import type { Allowance } from "../allowance.ts";
import type { HttpError, HttpRequest, TlsOptions, TlsRecord } from "../types.ts";
import type { Target } from "./target.ts";

/** A connection that requests can go over. */
export interface Connection {
  socket: Socket;
  tls: TlsRecord | null;
  /** Why the certificate does not verify, or null. */
  tlsError: HttpError | null;
  remoteAddress: string;
}

/** None is kept where checks and other idle ones take this share of the descriptors. */
const IDLE_SHARE = 0.5;
/** How long a connection is kept for the next check. */
const IDLE_MS = 90_000;
/** Methods that may be sent again if the connection turns out to be dead (RFC 9110, 9.2.1). */
const REPEATABLE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Connections kept for the sites that have `reuseConnection`. */
export class IdleConnections {
  readonly #idle = new Map<string, { connection: Connection; stop: () => void }>();
  readonly #tlsIds = new WeakMap<TlsOptions, number>();
  #lastTlsId = 0;

  /** What two requests must share to share a connection; null where this one may not. */
  key(request: HttpRequest, target: Target): string | null {
    if (!request.reuseConnection || !REPEATABLE.has(request.method ?? "GET")) return null;
    const { secure, host, port } = target;
    const { proxy = "", ipVersion = "auto", resolve, tls } = request;
    return [secure, host, port, resolve?.[host], proxy, ipVersion, this.#tlsId(tls)].join("\0");
  }

  take(key: string): Connection | null {
    const entry = this.#idle.get(key);
    if (entry === undefined) return null;
    entry.stop();
    return entry.connection;
  }

  /** Keeps it until the site closes it, says anything, or nobody asks for long. */
  put(key: string, connection: Connection, allowance?: Allowance): void {
    const { socket } = connection;
    this.take(key)?.socket.destroy();
    if (allowance?.takeSocket(IDLE_SHARE) === false) return void socket.destroy();
    const drop = () => {
      stop();
      socket.destroy();
    };
    const stop = () => {
      if (this.#idle.get(key)?.connection === connection) {
        this.#idle.delete(key);
        allowance?.giveSocket();
      }
      socket.setTimeout(0);
      socket.off("data", drop).off("end", drop).off("close", drop).off("timeout", drop);
    };
    this.#idle.set(key, { connection, stop });
    socket.on("data", drop).on("end", drop).on("close", drop).on("timeout", drop);
    socket.setTimeout(IDLE_MS);
    if (socket.destroyed) drop();
  }

  /** Closes them all. */
  close(): void {
    for (const { connection, stop } of [...this.#idle.values()]) {
      stop();
      connection.socket.destroy();
    }
  }

  #tlsId(options: TlsOptions | undefined): number {
    if (options === undefined) return 0;
    const id = this.#tlsIds.get(options) ?? ++this.#lastTlsId;
    this.#tlsIds.set(options, id);
    return id;
  }
}
