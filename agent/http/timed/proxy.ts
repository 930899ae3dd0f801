import { Buffer } from "node:buffer";
import { isIP, type Socket } from "node:net";
import { bareHost, hostPort } from "../../../runtime/host_port.ts";
import { basicAuthorization } from "../../auth/basic.ts";
import { atProxy, type ExchangeFailure, failure, type FailureClass, httpError } from "../errors.ts";
import type { Steps } from "../steps.ts";
import { ResponseReader } from "./read/response_reader.ts";

/** A proxy, out of "http://[user:password@]host:port", or https:// or socks5://. */
export interface Proxy {
  kind: "http" | "https" | "socks5";
  host: string;
  port: number;
  /** Null: none. */
  login: { username: string; password: string } | null;
}

const PORTS = { http: 80, https: 443, socks5: 1080 } as const;

/** @throws ExchangeFailure `not_made` */
export function parseProxy(text: string): Proxy {
  const [, kind, rest] = /^(https?|socks5):(.*)$/is.exec(text) ?? [];
  // As http it has the host parsed by the same rules, whatever the scheme.
  const url = kind === undefined ? null : URL.parse(`http:${rest}`);
  if (url === null) throw failure("not_made", "The proxy is not an http, https or socks5 URL");
  const [username = "", password = ""] = [url.username, url.password].map(decodeURIComponent);
  const known = kind!.toLowerCase() as Proxy["kind"];
  // URL() leaves out 80, which is a port like any other but for http.
  const port = /:80\/?$/.test(rest!) ? 80 : Number(url.port);
  return {
    kind: known,
    host: bareHost(url.hostname),
    port: port || PORTS[known],
    login: username === "" && password === "" ? null : { username, password },
  };
}

/** The value of Proxy-Authorization, or null. */
export function proxyAuthorization({ login }: Proxy): string | null {
  return login && basicAuthorization(login.username, login.password);
}

/** A failure of the proxy's own. */
export function proxyFailure(failureClass: FailureClass, detail: string): ExchangeFailure {
  return atProxy(httpError(failureClass, detail));
}

/**
 * Asks the proxy at the other end for a way to host:port, which it resolves itself.
 *
 * @throws ExchangeFailure of the site where the proxy cannot reach it; of the proxy where it refuses
 * us, wants a login that we have not, or does not speak as it should
 */
type OpenTunnel = (
  socket: Socket,
  proxy: Proxy,
  host: string,
  port: number,
  steps: Steps,
) => Promise<void>;

/** RFC 9110, 9.3.6. */
const openConnect: OpenTunnel = async (socket, proxy, host, port, steps) => {
  const authority = hostPort({ host, port });
  const authorization = proxyAuthorization(proxy);
  const reader = new ResponseReader(socket, { readBodyBytes: 0, bodyOf: () => "none" });
  socket.write(
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n` +
      (authorization === null ? "\r\n" : `Proxy-Authorization: ${authorization}\r\n\r\n`),
  );
  await asking<void>(steps, (resolve, reject) => reader.start(resolve, reject));
  const status = reader.head!.status;
  if (status >= 200 && status < 300) return;
  throw status >= 500
    ? failure("connection_failed", `The proxy answers ${status}`)
    : proxyFailure("not_made", `it answers ${status}`);
};

/** A step in which what goes wrong is the proxy's: also that it does not answer. */
function asking<T>(steps: Steps, start: Parameters<typeof steps.run<T>>[1]): Promise<T> {
  return steps.run<T>("asking the proxy", start).catch((cause: ExchangeFailure) => {
    throw atProxy(cause.error);
  });
}

// SOCKS 5: RFC 1928, with the login of RFC 1929.

const VERSION = 5;
const LOGIN_VERSION = 1;
const NO_LOGIN = 0;
const WITH_LOGIN = 2;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;

/** What the replies other than 0 say of the site; the rest are the proxy's own. */
const SITE_REPLIES: Readonly<Record<number, FailureClass>> = {
  1: "connection_failed",
  3: "unreachable",
  4: "unreachable",
  5: "connection_refused",
  6: "unreachable",
};

const openSocks: OpenTunnel = async (socket, { login }, host, port, steps) => {
  const ask = async (question: readonly number[], length: (answer: Buffer) => number) => {
    socket.write(Buffer.from(question));
    return await readBytes(socket, length, steps);
  };
  const methods = login ? [NO_LOGIN, WITH_LOGIN] : [NO_LOGIN];
  const [version, method] = await ask([VERSION, methods.length, ...methods], () => 2);
  if (version !== VERSION) throw proxyFailure("bad_http", "it does not speak SOCKS 5");
  if (!methods.includes(method!)) throw proxyFailure("not_made", "it asks for a login");
  if (method === WITH_LOGIN) {
    const parts = [login!.username, login!.password].flatMap(withLength);
    const [, status] = await ask([LOGIN_VERSION, ...parts], () => 2);
    if (status !== 0) throw proxyFailure("not_made", "it refuses the login");
  }
  const to = [...socksAddress(host), port >> 8, port & 0xff];
  // Of the answer's own address only the length matters, as it has to be read to its end.
  const [, reply] = await ask([VERSION, CONNECT, 0, ...to], (answer) => {
    const address = answer[3] === IPV4 ? 4 : answer[3] === IPV6 ? 16 : 1 + (answer[4] ?? 0);
    return answer.length < 5 ? 5 : 4 + address + 2;
  });
  if (reply === 0) return;
  const ofSite = SITE_REPLIES[reply!];
  throw ofSite
    ? failure(ofSite, `The proxy answers ${reply}`)
    : proxyFailure("not_made", `it answers ${reply}`);
};

export const openTunnel: OpenTunnel = (socket, proxy, ...rest) =>
  (proxy.kind === "socks5" ? openSocks : openConnect)(socket, proxy, ...rest);

function socksAddress(host: string): number[] {
  switch (isIP(host)) {
    case 4:
      return [IPV4, ...host.split(".").map(Number)];
    case 6:
      return [IPV6, ...ipv6Bytes(host)];
    default:
      return [NAME, ...withLength(host)];
  }
}

function ipv6Bytes(address: string): number[] {
  // URL() writes an embedded IPv4 address in hexadecimal.
  const [left = "", right] = URL.parse(`http://[${address}]/`)!.hostname.slice(1, -1).split("::");
  const groups = (text: string) =>
    text === "" ? [] : text.split(":").map((hex) => parseInt(hex, 16));
  const [before, after] = [groups(left), groups(right ?? "")];
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}

/** @throws ExchangeFailure `not_made` for what is too long for SOCKS */
function withLength(text: string): number[] {
  const bytes = Buffer.from(text);
  if (bytes.length > 255) throw failure("not_made", "A name or login is too long for SOCKS");
  return [bytes.length, ...bytes];
}

/**
 * Reads as many bytes as `length` says, given those that have come.
 *
 * @throws ExchangeFailure of the proxy where it says less, or more
 */
function readBytes(
  socket: Socket,
  length: (answer: Buffer) => number,
  steps: Steps,
): Promise<Buffer> {
  let answer = Buffer.alloc(0);
  return asking<Buffer>(steps, (resolve, reject) => {
    const onData = (piece: Buffer) => {
      answer = Buffer.concat([answer, piece]);
      const wanted = length(answer);
      if (answer.length > wanted) reject(failure("bad_http", "It says more than it was asked"));
      else if (answer.length === wanted) resolve(answer);
    };
    const onClose = () => reject(failure("connection_reset"));
    socket.on("data", onData).on("end", onClose).on("close", onClose);
    return () => socket.off("data", onData).off("end", onClose).off("close", onClose);
  });
}
