import type { ISocketFactory } from "kafkajs";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls } from "node:tls";

/** As in kafkajs. */
const KEEP_ALIVE_DELAY_MS = 60_000;

/** Addresses in the form that kafkajs takes, and what makes sockets to them. */
export interface Bootstrap {
  brokers: string[];
  socketFactory: ISocketFactory;
}

/**
 * kafkajs splits a bootstrap address at its first colon, which an IPv6 address has inside. So such an
 * address goes in under a name that stands for it, and the socket factory knows what it stands for.
 *
 * @param servers host:port each, an IPv6 address in brackets
 */
export function bootstrapOf(servers: readonly string[]): Bootstrap {
  const addresses = new Map<string, string>();
  const brokers = servers.map((server) => {
    const [, address, port] = /^\[(.+)\]:(\d+)$/.exec(server) ?? [];
    if (address === undefined) return server;
    const alias = `bootstrap-address-${addresses.size}.invalid`;
    addresses.set(alias, address);
    return `${alias}:${port}`;
  });
  return {
    brokers,
    socketFactory({ host, port, ssl, onConnect }) {
      const target = addresses.get(host) ?? host;
      const socket = ssl
        ? connectTls({
          host: target,
          port,
          ...(isIP(target) === 0 && { servername: target }),
          ...ssl,
        }, onConnect)
        : connectTcp({ host: target, port }, onConnect);
      // kafkajs disconnects what is closed again and again, and each unref() of a socket without a
      // handle leaves one more listener for "connect".
      socket.once("close", () => socket.unref = () => socket);
      return socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    },
  };
}
