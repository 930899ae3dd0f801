import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import zlib from "node:zlib";

/** A raw server on a loopback port, over the bytes of whose answers a test has full control. */
export interface HostileServer {
  port: number;
  /** "http://127.0.0.1:PORT" + path, or https. */
  url(path: string): string;
  /** The requests' heads (and what of the bodies came with them), as they came. */
  requests: string[];
  /** Connections made so far. */
  connections: number;
  close(): Promise<void>;
}

/** Answers a request whose head has come. */
export type Answer = (socket: net.Socket, request: string) => void;

/** What the paths of the hostile server do; the name is the path without its slash. */
export const ANSWERS: Readonly<Record<string, Answer>> = {
  "fine": (s) => s.end(withLength("hello")),
  "kept-alive": (s) => s.write(withLength("hello")),
  "status-404": (s) => s.end(withLength("none", "404 Not Found")),
  "status-500": (s) => s.end(withLength("oops", "500 Internal Server Error")),
  "status-999": (s) => s.end(withLength("what", "999 Request denied")),
  "status-000": (s) => s.end(withLength("what", "000 Nothing")),
  "no-reason": (s) => s.end("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"),
  "204-with-body": (s) => s.end(withLength("hello", "204 No Content")),
  "304-with-length": (s) => s.write("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
  "reset-content": (s) => s.end(withLength("", "205 Reset Content")),

  "redirect": (s) => redirect(s, "301 Moved Permanently", "/fine"),
  "redirect-302": (s) => redirect(s, "302 Found", "fine"),
  "redirect-303": (s) => redirect(s, "303 See Other", "/fine"),
  "redirect-307": (s) => redirect(s, "307 Temporary Redirect", "/fine"),
  "redirect-308": (s) => redirect(s, "308 Permanent Redirect", "/fine"),
  "redirect-loop": (s) => redirect(s, "302 Found", "/redirect-loop"),
  "redirect-no-url": (s) => redirect(s, "302 Found", "http://[nonsense"),
  "redirect-scheme": (s) => redirect(s, "302 Found", "ftp://127.0.0.1/"),
  "redirect-refused": (s) => redirect(s, "302 Found", "http://127.0.0.1:2/"),
  "redirect-nowhere": (s) => s.end(withLength("no Location", "302 Found")),
  "redirect-endless-body": (s) => {
    s.write("HTTP/1.1 302 Found\r\nLocation: /fine\r\nTransfer-Encoding: chunked\r\n\r\n");
    every(s, 5, () => s.write("5\r\nhello\r\n"));
  },

  "gzip": (s) => s.end(encoded("gzip", zlib.gzipSync("hello"))),
  "x-gzip": (s) => s.end(encoded("x-gzip", zlib.gzipSync("hello"))),
  "deflate": (s) => s.end(encoded("deflate", zlib.deflateSync("hello"))),
  "deflate-raw": (s) => s.end(encoded("deflate", zlib.deflateRawSync("hello"))),
  "br": (s) => s.end(encoded("br", zlib.brotliCompressSync("hello"))),
  "zstd": (s) => s.end(encoded("zstd", zstdCompress("hello"))),
  "gzip-gzip": (s) => s.end(encoded("gzip, gzip", zlib.gzipSync(zlib.gzipSync("hello")))),
  "gzip-empty": (s) => s.end(encoded("gzip", Buffer.alloc(0))),
  "gzip-cut": (s) => s.end(encoded("gzip", zlib.gzipSync("hello".repeat(99)).subarray(0, 15))),
  "gzip-lie": (s) => s.end(encoded("gzip", Buffer.from("not gzip at all"))),
  "br-lie": (s) => s.end(encoded("br", Buffer.from("not brotli at all"))),
  "deflate-lie": (s) => s.end(encoded("deflate", Buffer.from("not deflate at all"))),
  "zstd-lie": (s) => s.end(encoded("zstd", Buffer.from("not zstd at all"))),
  "encoding-unknown": (s) => s.end(encoded("made-up", Buffer.from("hello"))),
  "encoding-tower": (s) => s.end(encoded("gzip,gzip,gzip,gzip", Buffer.from("hello"))),
  "gzip-bomb": (s) => s.end(encoded("gzip", bomb())),
  "gzip-gzip-bomb": (s) => s.end(encoded("gzip, gzip", zlib.gzipSync(bomb()))),

  "chunked": (s) => s.end(chunked("5\r\nhello\r\n0\r\n\r\n")),
  "chunked-extension": (s) => s.end(chunked('5;a="b"\r\nhello\r\n0\r\nX: y\r\n\r\n')),
  "chunked-tiny": (s) => s.end(chunked(`${"1\r\nx\r\n".repeat(200_000)}0\r\n\r\n`)),
  "chunk-bad": (s) => s.end(chunked("zz\r\nhello\r\n0\r\n\r\n")),
  "chunk-negative": (s) => s.end(chunked("-5\r\nhello\r\n0\r\n\r\n")),
  "chunk-huge": (s) => s.end(chunked("fffffffffffffffff\r\nhello")),
  "chunk-too-long": (s) => s.end(chunked("2\r\nhello\r\n0\r\n\r\n")),
  "chunk-endless-line": (s) => {
    s.write(chunked("5;"));
    every(s, 1, () => s.write("x".repeat(4096)));
  },
  "chunk-cut": (s) => s.end(chunked("ff\r\nhello")),
  "trailer-flood": (s) => {
    s.write(chunked("5\r\nhello\r\n0\r\n"));
    every(s, 1, () => s.write(`X-Trailer: ${"x".repeat(8000)}\r\n`));
  },

  "no-length": (s) => s.end("HTTP/1.1 200 OK\r\n\r\nhello"),
  "http-1.0": (s) => s.end("HTTP/1.0 200 OK\r\n\r\nhello"),
  "length-cut": (s) => s.end("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello"),
  "length-negative": (s) => s.end("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"),
  "length-word": (s) => s.end("HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello"),
  "length-twice": (s) =>
    s.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello"),
  "length-and-more": (s) => s.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"),
  "reset-body": (s) => {
    s.write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello");
    setTimeout(() => s.resetAndDestroy(), 20);
  },
  "large": (s) => s.end(withLength("x".repeat(3_000_000))),
  "exactly-1-mib": (s) => s.end(withLength("x".repeat(1024 * 1024))),
  "endless": (s) => {
    s.write("HTTP/1.1 200 OK\r\n\r\n");
    every(s, 1, () => s.write("x".repeat(65_536)));
  },

  "headers-200k": (s) => s.end(withHeader(`X: ${"x".repeat(200 * 1024)}`)),
  "headers-300k": (s) => s.end(withHeader(`X: ${"x".repeat(300 * 1024)}`)),
  "header-flood": (s) => {
    s.write("HTTP/1.1 200 OK\r\n");
    every(s, 1, () => s.write("X-Flood: flood\r\n".repeat(1000)));
  },
  "header-nul": (s) => s.end(withHeader("X: a\0b")),
  "header-folded": (s) => s.end(withHeader("X: a\r\n b")),
  "header-latin1": (s) => s.end(Buffer.from(withHeader("X: caf\xe9"), "latin1")),
  "interim": (s) => s.end(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${withLength("hello")}`),
  "interim-flood": (s) =>
    s.end(`${"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)}${withLength("hello")}`),
  "interim-endless": (s) => every(s, 1, () => s.write("HTTP/1.1 100 Continue\r\n\r\n")),
  "http-2": (s) => s.end("HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
  "transfer-unknown": (s) => s.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: made-up\r\n\r\nhello"),

  "garbage": (s) => s.end("\x16\x03\x01 this is not HTTP\r\n\r\n"),
  "ssh": (s) => s.end("SSH-2.0-OpenSSH_9.9\r\n"),
  "empty-reply": (s) => s.end(),
  "head-cut": (s) => s.end("HTTP/1.1 200 OK\r\nContent-"),
  "reset": (s) => s.resetAndDestroy(),
  "hang": () => {},
  "hang-in-head": (s) => s.write("HTTP/1.1 200 OK\r\nX: "),
  "hang-in-body": (s) => s.write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello"),
  "drip": (s) => {
    s.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    every(s, 10, () => s.write("x"));
  },
  "gzip-hang": (s) => s.write(encoded("gzip", zlib.gzipSync("hello")).subarray(0, -4)),

  "utf8-invalid": (s) => s.end(withType("text/plain; charset=utf-8", "a\xff\xfeb")),
  "latin1": (s) => s.end(withType("text/plain; charset=iso-8859-1", "caf\xe9")),
  "charset-unknown": (s) => s.end(withType("text/plain; charset=klingon", "caf\xc3\xa9")),
};

/** Starts the server; `options` make it speak TLS. */
export async function startHostileServer(
  options: { tls?: tls.TlsOptions; answers?: Readonly<Record<string, Answer>> } = {},
): Promise<HostileServer> {
  const answers = options.answers ?? ANSWERS;
  const requests: string[] = [];
  const sockets = new Set<net.Socket>();
  const onConnection = (socket: net.Socket) => {
    result.connections++;
    let received = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      received += data.toString("latin1");
      if (!received.includes("\r\n\r\n")) return;
      const request = received;
      received = "";
      requests.push(request);
      const name = /^\S+ \/([^ ?]*)/.exec(request)?.[1] ?? "";
      const answer = answers[name];
      if (answer) answer(socket, request);
      else socket.end(withLength(`No answer is named "${name}"`, "404 Not Found"));
    });
  };
  const server = options.tls
    ? tls.createServer(options.tls, onConnection).on("tlsClientError", () => {})
    : net.createServer(onConnection);
  // Below TLS too, so that a handshake that never ends can be closed.
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const scheme = options.tls ? "https" : "http";
  const result: HostileServer = {
    port,
    url: (path) => `${scheme}://127.0.0.1:${port}${path}`,
    requests,
    connections: 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return result;
}

/** Calls `write` again and again until the connection ends. */
function every(socket: net.Socket, ms: number, write: () => void): void {
  const timer = setInterval(() => {
    if (socket.writableLength < 1_000_000) write();
  }, ms);
  socket.on("close", () => clearInterval(timer));
  socket.on("end", () => clearInterval(timer));
}

/** A whole response with this body. */
export function withLength(body: string, status = "200 OK"): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

function withHeader(line: string): string {
  return `HTTP/1.1 200 OK\r\n${line}\r\nContent-Length: 5\r\n\r\nhello`;
}

/** The text's characters are the body's bytes. */
function withType(type: string, text: string): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${text.length}\r\n\r\n`;
  return Buffer.from(head + text, "latin1");
}

function redirect(socket: net.Socket, status: string, location: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
}

function encoded(encoding: string, body: Uint8Array): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\n` +
    `Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function chunked(body: string): string {
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`;
}

/** 100 MB of nothing in 100 kB. */
function bomb(): Buffer {
  return zlib.gzipSync(Buffer.alloc(100_000_000));
}

function zstdCompress(text: string): Buffer {
  const { zstdCompressSync } = zlib as unknown as { zstdCompressSync(data: string): Buffer };
  return zstdCompressSync(text);
}
