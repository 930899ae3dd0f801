import net from "node:net";
import type { Clock } from "../../../runtime/clock.ts";
import type { Allowance } from "../allowance.ts";
import { classifyError } from "../classify.ts";
import { ExchangeFailure } from "../errors.ts";
import type { Address } from "../resolve.ts";
import type { Steps } from "../steps.ts";

/** How long an address has before the next is tried beside it (RFC 8305, 8). */
const NEXT_ADDRESS_MS = 250;
/** So often a descriptor is waited for. */
const MAX_WAITS = 8;
/** A name may have hundreds of addresses; more than these are not tried. */
const MAX_ADDRESSES = 8;

/** Opens a socket; `net.connect` does. */
export type OpenSocket = (options: { host: string; port: number; noDelay: true }) => net.Socket;

/** A connection, and which of the addresses took it. */
export interface Connected {
  socket: net.Socket;
  address: string;
}

const ignore = () => {};

/**
 * Connects to the first of the addresses that takes it: one after the other, the next as soon as one
 * fails or has not answered for 250 ms (Happy Eyeballs, RFC 8305). The others are closed.
 *
 * @returns a socket without Nagle's delay; errors after this are ignored unless listened to
 * @throws ExchangeFailure of the address that failed last, of those that could be tried if any could
 */
export function connect(
  addresses: readonly Address[],
  port: number,
  clock: Clock,
  steps: Steps,
  allowance?: Allowance,
  open: OpenSocket = net.connect,
): Promise<Connected> {
  const tried = addresses.slice(0, MAX_ADDRESSES);
  const attempt = new ConnectAttempt(tried, port, clock, allowance, open);
  return steps.run("connecting", (resolve, reject) => attempt.start(resolve, reject));
}

class ConnectAttempt {
  readonly #open = new Set<net.Socket>();
  #next = 0;
  #failure: ExchangeFailure | null = null;
  #cancelTimer = ignore;
  readonly #addresses: readonly Address[];
  readonly #port: number;
  readonly #clock: Clock;
  readonly #allowance: Allowance | undefined;
  readonly #openSocket: OpenSocket;
  /** Descriptors taken beside the exchange's own. */
  #taken = 0;
  #waits = 0;

  constructor(
    addresses: readonly Address[],
    port: number,
    clock: Clock,
    allowance: Allowance | undefined,
    open: OpenSocket,
  ) {
    this.#allowance = allowance;
    this.#openSocket = open;
    this.#addresses = addresses;
    this.#port = port;
    this.#clock = clock;
  }

  start(
    resolve: (connected: Connected) => void,
    reject: (failure: ExchangeFailure) => void,
  ): () => void {
    const tryNext = () => {
      this.#cancelTimer();
      if (this.#next >= this.#addresses.length) return;
      if (!this.#hasPlace()) {
        this.#cancelTimer = this.#clock.after(NEXT_ADDRESS_MS, tryNext);
        return;
      }
      const address = this.#addresses[this.#next++]!;
      const socket = this.#openSocket({ host: address.address, port: this.#port, noDelay: true });
      this.#open.add(socket);
      socket.once("connect", () => {
        this.#open.delete(socket);
        // Known here; to ask the socket is a system call.
        resolve({ socket, address: address.address });
      });
      // Stays for the socket's life: an error with nobody to hear it would end the process.
      socket.on("error", (error) => {
        if (!this.#open.delete(socket)) return;
        socket.destroy();
        this.#giveBack(this.#open.size - 1);
        this.#remember(new ExchangeFailure(classifyError(error)));
        if (this.#next < this.#addresses.length) tryNext();
        else if (this.#open.size === 0) reject(this.#failure!);
      });
      if (this.#next < this.#addresses.length) {
        this.#cancelTimer = this.#clock.after(NEXT_ADDRESS_MS, tryNext);
      }
    };
    tryNext();
    return () => {
      this.#cancelTimer();
      for (const socket of this.#open) socket.destroy();
      this.#open.clear();
      this.#giveBack(0);
    };
  }

  /** Whether one more socket may be opened; if none is to spare for long, in the place of the oldest. */
  #hasPlace(): boolean {
    if (this.#open.size === 0 || this.#allowance === undefined) return true;
    if (this.#allowance.takeSocket()) {
      this.#taken++;
      return true;
    }
    if (++this.#waits % MAX_WAITS !== 0) return false;
    const [oldest] = this.#open;
    this.#open.delete(oldest!);
    oldest!.destroy();
    return true;
  }

  #giveBack(allBut: number): void {
    for (; this.#taken > Math.max(0, allBut); this.#taken--) this.#allowance!.giveSocket();
  }

  /** A machine without IPv6 says so of every IPv6 address; that must not hide what IPv4 said. */
  #remember(failure: ExchangeFailure): void {
    const wasTried = !failure.error.class.startsWith("no_");
    if (this.#failure === null || wasTried) this.#failure = failure;
  }
}
