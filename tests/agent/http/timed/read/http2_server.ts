import { Buffer } from "node:buffer";
import http2 from "node:http2";
import type net from "node:net";
import tls from "node:tls";
import zlib from "node:zlib";
import type { BodyReading } from "../../../../support/body_reading.ts";
import type { KeyPair } from "../../certificates.ts";

/** A server of HTTP/2 over TLS on a loopback port. */
export interface Http2Server {
  url(path: string): string;
  /** Connections made so far, and those that anything came over (to the raw server). */
  connections: number;
  asked: number;
  close(): Promise<void>;
}

type Answer = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/fine": (s) => {
    s.respond({ ":status": 200, "x-a": ["1", "2"] });
    s.end("hello");
  },
  "/gzip": (s) => {
    s.respond({ ":status": 200, "content-encoding": "gzip" });
    s.end(zlib.gzipSync("hello"));
  },
  "/gzip-lie": (s) => {
    s.respond({ ":status": 200, "content-encoding": "gzip" });
    s.end("no gzip");
  },
  "/status-404": (s) => {
    s.respond({ ":status": 404 });
    s.end("none");
  },
  "/empty": (s) => s.respond({ ":status": 204 }, { endStream: true }),
  "/interim": (s) => {
    s.additionalHeaders({ ":status": 103 });
    s.respond({ ":status": 200 });
    s.end("hello");
  },
  "/large": (s) => {
    s.respond({ ":status": 200 });
    s.end(Buffer.alloc(1024 * 1024 + 1, "x"));
  },
  "/redirect": (s) => {
    s.respond({ ":status": 302, location: "/fine" });
    s.end("moved");
  },
  "/echo": (s, headers) => {
    let body = "";
    s.on("data", (piece) => body += piece).on("end", () => {
      s.respond({ ":status": 200 });
      s.end(JSON.stringify({ ...headers, body }));
    });
  },
};

/** It ends each stream: Deno 2.9 may abort where a server's session ends with one that is open. */
export async function startHttp2Server(pair: KeyPair): Promise<Http2Server> {
  const server = http2.createSecureServer({ ...pair });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {}).on("close", () => sessions.delete(session));
  });
  server.on("sessionError", () => {});
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    ANSWERS[headers[":path"]!]?.(stream, headers);
  });
  const started = await listen(server);
  server.on("secureConnection", () => started.connections++);
  return {
    ...started,
    get connections() {
      return started.connections;
    },
    get asked() {
      return started.asked;
    },
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** What a frame's payload is in: RFC 9113, 4.1. */
function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const SETTINGS = [frame(4, 0, 0), frame(4, 1, 0)];
const DATA = 0;

/** Frames on the first stream, to answer with one by one; the head is ":status: 200" in HPACK. */
export const FRAMES = {
  head: frame(1, 4, 1, Buffer.from([0x88])),
  /** With "content-length: 9" as well. */
  headOfNine: frame(1, 4, 1, Buffer.from([0x88, 0x0f, 0x0d, 0x01, 0x39])),
  data: (text: string) => frame(DATA, 0, 1, Buffer.from(text)),
  end: (text: string) => frame(DATA, 1, 1, Buffer.from(text)),
  reset: (code: number) => frame(3, 0, 1, number(code)),
  goAway: (code: number) => frame(7, 0, 0, Buffer.concat([number(1), number(code)])),
} as const;

/**
 * A server that agrees on HTTP/2 and then answers by these bytes alone, or, where only HTTP/1.1 is
 * offered, as a server of that.
 *
 * @param reading The client's: what follows on a piece of a body is sent when that is read
 * @param onSent Called when all is sent, and the body is read
 */
export async function startRawHttp2Server(
  pair: KeyPair,
  frames: readonly (Buffer | "close")[],
  reading?: BodyReading,
  onSent: () => void = () => {},
): Promise<Http2Server> {
  const sockets = new Set<net.Socket>();
  const answered: Promise<void>[] = [];
  const answer = async (socket: net.Socket) => {
    let bytes = 0;
    for (const frame of frames) {
      await reading?.hasRead(bytes);
      if (frame === "close") socket.end();
      else if (!socket.destroyed) socket.write(frame);
      if (frame !== "close" && frame[3] === DATA) bytes += frame.readUIntBE(0, 3);
    }
    await reading?.hasRead(bytes);
    onSent();
  };
  const server = tls.createServer({ ...pair, ALPNProtocols: ["h2", "http/1.1"] }, (socket) => {
    started.connections++;
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.once("data", () => {
      started.asked++;
      if (socket.alpnProtocol !== "h2") {
        return socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
      }
      socket.write(Buffer.concat(SETTINGS));
      answered.push(answer(socket));
    });
  });
  const started = await listen(server);
  return {
    ...started,
    get connections() {
      return started.connections;
    },
    get asked() {
      return started.asked;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all(answered);
    },
  };
}

async function listen(server: net.Server) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as net.AddressInfo;
  return { connections: 0, asked: 0, url: (path: string) => `https://127.0.0.1:${port}${path}` };
}
