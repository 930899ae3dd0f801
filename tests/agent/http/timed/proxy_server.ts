import net from "node:net";

/** An HTTP proxy for CONNECT, on a loopback port. */
export interface TestProxy {
  url(credentials?: string): string;
  /** The requests' heads, as they came. */
  heads: string[];
  close(): Promise<void>;
}

/** What the proxy does before it passes bytes on. */
export interface TestProxyOptions {
  /** Sent in place of a tunnel, and then the end. */
  answer?: string;
  /** Waited for before the tunnel is granted. */
  connectDelayMs?: number;
  /** Waited for before the first bytes from the client are passed on. */
  forwardDelayMs?: number;
}

export async function startProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const heads: string[] = [];
  const sockets = new Set<net.Socket>();
  const track = (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const server = net.createServer({ noDelay: true }, (client) => {
    track(client);
    client.once("data", (data) => {
      const head = data.toString("latin1");
      heads.push(head);
      if (options.answer !== undefined) return void client.end(options.answer);
      client.pause();
      const port = Number(/^CONNECT [^ ]+:(\d+) /.exec(head)?.[1]);
      setTimeout(() => {
        const upstream = net.connect({ host: "127.0.0.1", port, noDelay: true }, () => {
          upstream.pipe(client);
          client.once("data", (first) => {
            client.pause();
            setTimeout(() => {
              upstream.write(first);
              client.pipe(upstream);
            }, options.forwardDelayMs ?? 0);
          });
          client.write("HTTP/1.1 200 Connection established\r\n\r\n");
          client.resume();
        });
        track(upstream);
        client.on("close", () => upstream.destroy());
      }, options.connectDelayMs ?? 0);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    url: (credentials) => `http://${credentials ? `${credentials}@` : ""}127.0.0.1:${port}`,
    heads,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
