/**
 * `site_server.ts`: sites for the benches, http and https, in a process of their own, so that what they
 * cost is not counted. Prints where they are as one line of JSON; ends with its standard input.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { Authority } from "../../tests/agent/http/certificates.ts";

/** Any path is a page of 1,000 bytes; a connection is kept unless the request asks to close it. */
export interface Sites {
  http: number;
  https: number;
  /** The certificate of the authority that signed the site's, PEM. */
  ca: string;
}

const BODY = `${"x".repeat(980)}\nall is as it should\n`.slice(-1000);
const head = (connection: string) =>
  "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" +
  `Content-Length: ${BODY.length}\r\nConnection: ${connection}\r\n\r\n`;
const [KEPT, CLOSED] = [head("keep-alive") + BODY, head("close") + BODY];

/** Starts it. */
export async function startSites(): Promise<Sites & { stop(): Promise<void> }> {
  const args = ["run", "-A", "--no-check", fileURLToPath(import.meta.url)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const told = once(child.stdout, "data").then(([line]) => JSON.parse(String(line)) as Sites);
  const ended = exited.then(([code]): Sites => {
    throw new Error(`The sites' server ended with ${code}`);
  });
  return {
    ...await Promise.race([told, ended]),
    async stop() {
      ended.catch(() => {});
      child.stdin.end();
      await exited;
    },
  };
}

function answer(socket: net.Socket): void {
  socket.on("error", () => {});
  socket.on("data", (request) => {
    if (/^connection: close\r$/im.test(request.toString("latin1"))) socket.end(CLOSED);
    else socket.write(KEPT);
  });
}

async function listening(server: net.Server): Promise<number> {
  server.listen(0, "127.0.0.1", 4_096);
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

if (import.meta.main) {
  const authority = await Authority.create();
  const http = await listening(net.createServer(answer));
  const https = await listening(tls.createServer(await authority.sign({ name: "site" }), answer));
  console.log(JSON.stringify({ http, https, ca: authority.cert } satisfies Sites));
  for await (const _ of process.stdin);
  process.exit();
}
