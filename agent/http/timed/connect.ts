import net from "node:net";
import type { Clock } from "../../../runtime/clock.ts";
import type { Allowance } from "../../condition/allowance.ts";
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
  openSocket: OpenSocket = net.connect,
): Promise<Connected> {
  const left = addresses.slice(0, MAX_ADDRESSES);
  const open = new Set<net.Socket>();
  let failed: ExchangeFailure | null = null;
  let cancelTimer = () => {};
  /** Descriptors taken beside the exchange's own. */
  let taken = 0;
  let waits = 0;

  /** Whether one more socket may be opened; if none is to spare for long, in the place of the oldest. */
  const hasPlace = (): boolean => {
    if (open.size === 0 || allowance === undefined) return true;
    if (allowance.takeSocket()) {
      taken++;
      return true;
    }
    if (++waits % MAX_WAITS !== 0) return false;
    const [oldest] = open;
    open.delete(oldest!);
    oldest!.destroy();
    return true;
  };
  const giveBack = (allBut: number) => {
    for (; taken > Math.max(0, allBut); taken--) allowance!.giveSocket();
  };
  return steps.run<Connected>("connecting", (resolve, reject) => {
    const tryNext = () => {
      cancelTimer();
      if (left.length === 0) return;
      if (!hasPlace()) return void (cancelTimer = clock.after(NEXT_ADDRESS_MS, tryNext));
      const { address } = left.shift()!;
      const socket = openSocket({ host: address, port, noDelay: true });
      open.add(socket);
      socket.once("connect", () => {
        open.delete(socket);
        // Known here; to ask the socket is a system call.
        resolve({ socket, address });
      });
      // Stays for the socket's life: an error with nobody to hear it would end the process.
      socket.on("error", (error) => {
        if (!open.delete(socket)) return;
        socket.destroy();
        giveBack(open.size - 1);
        const failure = new ExchangeFailure(classifyError(error));
        // A machine without IPv6 says so of every IPv6 address; that must not hide what IPv4 said.
        if (failed === null || !failure.error.class.startsWith("no_")) failed = failure;
        if (left.length > 0) tryNext();
        else if (open.size === 0) reject(failed);
      });
      if (left.length > 0) cancelTimer = clock.after(NEXT_ADDRESS_MS, tryNext);
    };
    tryNext();
    return () => {
      cancelTimer();
      for (const socket of open) socket.destroy();
      open.clear();
      giveBack(0);
    };
  });
}
