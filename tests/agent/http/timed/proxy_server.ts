import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";

/** A proxy on a loopback port: of HTTP (forwarding and CONNECT), plain or over TLS, or of SOCKS 5. */
export interface TestProxy {
  url(credentials?: string): string;
  /** The requests' heads, or what SOCKS was asked for: "host:port", before it "user:password@". */
  heads: string[];
  close(): Promise<void>;
}

/** What the proxy is, and does before it passes bytes on. */
export interface TestProxyOptions {
  kind?: "http" | "https" | "socks5";
  /** @default a free one */
  port?: number;
  /** PEM texts, for https. */
  tls?: tls.TlsOptions;
  /** Whether SOCKS wants a login. */
  wantsLogin?: boolean;
  /** Sent in place of a tunnel, and then the end; with SOCKS, to what it is asked to connect to. */
  answer?: string;
  /** Called before the tunnel is granted. */
  onConnect?: () => void;
  /** Called before the first bytes from the client are passed on. */
  onForward?: () => void;
}

export async function startProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const { kind = "http", port: wanted = 0 } = options;
  const heads: string[] = [];
  const sockets = new Set<net.Socket>();
  const track = (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const onClient = (client: net.Socket) => {
    track(client);
    const serve = kind === "socks5" ? serveSocks : serveHttp;
    serve(client, options, heads, track);
  };
  const server = kind === "https"
    ? tls.createServer(options.tls!, onClient)
    : net.createServer({ noDelay: true }, onClient);
  await new Promise<void>((resolve) => server.listen(wanted, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    url: (credentials) => `${kind}://${credentials ? `${credentials}@` : ""}127.0.0.1:${port}`,
    heads,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

type Serve = (
  client: net.Socket,
  options: TestProxyOptions,
  heads: string[],
  track: (socket: net.Socket) => void,
) => void;

const serveHttp: Serve = (client, options, heads, track) => {
  client.once("data", (data) => {
    const head = data.toString("latin1");
    heads.push(head);
    if (options.answer !== undefined) return void client.end(options.answer);
    client.pause();
    const [, method, authority, rest] = /^(\S+) (?:http:\/\/)?([^ /]+)(.*)$/s.exec(head)!;
    const port = Number(/:(\d+)$/.exec(authority!)?.[1] ?? 80);
    options.onConnect?.();
    const upstream = net.connect({ host: "127.0.0.1", port, noDelay: true }, () => {
      upstream.pipe(client);
      if (method === "CONNECT") {
        client.once("data", (first) => {
          options.onForward?.();
          upstream.write(first);
          client.pipe(upstream);
        });
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        client.resume();
      } else {
        upstream.write(`${method} ${rest!.replace(/^Proxy-Authorization.*\r\n/m, "")}`);
        client.pipe(upstream);
      }
    });
    track(upstream);
    client.on("close", () => upstream.destroy());
  });
};

/** RFC 1928 and 1929, each message in one piece; any name is 127.0.0.1. */
const serveSocks: Serve = (client, options, heads, track) => {
  const read = () => new Promise<Buffer>((resolve) => client.once("data", resolve));
  const serve = async () => {
    const [version, , ...methods] = await read();
    const method = options.wantsLogin ? 2 : 0;
    if (version !== 5 || !methods.includes(method)) return void client.end(Buffer.from([5, 0xff]));
    // In two pieces, as a network may have it.
    client.write(Buffer.from([5]));
    setTimeout(() => client.write(Buffer.from([method])), 5);
    let login = "";
    if (method === 2) {
      const message = await read();
      const user = message.subarray(2, 2 + message[1]!).toString();
      const password = message.subarray(3 + message[1]!).toString();
      login = `${user}:${password}@`;
      const isRight = password === "right";
      client.write(Buffer.from([1, isRight ? 0 : 1]));
      if (!isRight) return;
    }
    const request = await read();
    const port = request.readUInt16BE(request.length - 2);
    heads.push(`${login}${socksHost(request)}:${port}`);
    if (options.answer !== undefined) return void client.end(Buffer.from(options.answer, "latin1"));
    const upstream = net.connect({ host: "127.0.0.1", port, noDelay: true }, () => {
      // With a name as its own address, the longest form there is.
      client.write(Buffer.from([5, 0, 0, 3, 4, 104, 111, 115, 116, 0, 80]));
      upstream.pipe(client);
      client.pipe(upstream);
    });
    track(upstream);
    upstream.on("error", () => client.end(Buffer.from([5, 5, 0, 1, 0, 0, 0, 0, 0, 0])));
    client.on("close", () => upstream.destroy());
  };
  serve();
};

function socksHost(request: Buffer): string {
  const bytes = request.subarray(4, -2);
  switch (request[3]) {
    case 1:
      return [...bytes].join(".");
    case 3:
      return bytes.subarray(1).toString();
    default:
      return bytes.toString("hex");
  }
}
