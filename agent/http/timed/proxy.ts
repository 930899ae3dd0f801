import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { atProxy, ExchangeFailure, failure } from "./failure.ts";
import { httpError } from "../errors.ts";
import { ResponseReader } from "./response_reader.ts";
import type { Steps } from "./steps.ts";

/** An HTTP proxy, out of "http://[user:password@]host:port". */
export interface Proxy {
  host: string;
  port: number;
  /** Value of Proxy-Authorization, or null. */
  authorization: string | null;
}

/** @throws ExchangeFailure `not_made` */
export function parseProxy(text: string): Proxy {
  const url = URL.parse(text);
  if (url === null || url.protocol !== "http:") {
    throw failure("not_made", "The proxy is not an http URL");
  }
  const { username, password } = url;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 80 : Number(url.port),
    authorization: username === "" && password === ""
      ? null
      : `Basic ${Buffer.from(credentials).toString("base64")}`,
  };
}

/**
 * Asks the proxy at the other end for a tunnel to host:port (RFC 9110, 9.3.6).
 *
 * @throws ExchangeFailure `connection_failed` where the proxy cannot reach the site (5xx); of the
 * proxy itself where it refuses us or does not speak HTTP
 */
export async function openTunnel(
  socket: Socket,
  proxy: Proxy,
  host: string,
  port: number,
  steps: Steps,
): Promise<void> {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const authorization = proxy.authorization === null
    ? ""
    : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  const reader = new ResponseReader(socket, { maxBodyBytes: 0, bodyOf: () => "none" });
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  await steps.run<void>(
    "asking the proxy",
    (resolve, reject) =>
      reader.start(
        resolve,
        ({ error }) => reject(new ExchangeFailure(atProxy(error))),
      ),
  );
  const status = reader.head!.status;
  if (status >= 200 && status < 300) return;
  throw status >= 500
    ? failure("connection_failed", `The proxy answers ${status}`)
    : new ExchangeFailure(atProxy(httpError("not_made", `it answers ${status}`)));
}
