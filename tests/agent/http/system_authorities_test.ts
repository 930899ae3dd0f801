import { assertEquals, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import { createPlatformFetchClient } from "../../../agent/http/platform_fetch.ts";
import { createTimedClient } from "../../../agent/http/timed/client.ts";
import type { HttpClient } from "../../../agent/http/types.ts";
import { systemAuthorities } from "../../../runtime/system_authorities.ts";
import { Authority, type KeyPair } from "./certificates.ts";
import { bodyReading } from "../../support/body_reading.ts";
import { FRAMES, startRawHttp2Server } from "./timed/read/http2_server.ts";

const never = new AbortController().signal;

/** Runs `work` with the system's store in which this authority is. */
async function withStore(pem: string, work: () => Promise<void>): Promise<void> {
  const before = Deno.env.get("SSL_CERT_FILE");
  const file = await Deno.makeTempFile({ suffix: ".pem" });
  await Deno.writeTextFile(file, pem);
  Deno.env.set("SSL_CERT_FILE", file);
  try {
    await work();
  } finally {
    if (before === undefined) Deno.env.delete("SSL_CERT_FILE");
    else Deno.env.set("SSL_CERT_FILE", before);
    await Deno.remove(file);
  }
}

Deno.test("systemAuthorities() reads the store that SSL_CERT_FILE names, each certificate once", async () => {
  const [one, other] = [await Authority.create("One"), await Authority.create("Other")];
  await withStore(`# One\n${one.cert}\n# Other\n${other.cert}${one.cert}`, () => {
    assertEquals(systemAuthorities(), [one.cert.trim(), other.cert.trim()]);
    return Promise.resolve();
  });
});

Deno.test("systemAuthorities() is as the runtime has it where the store cannot be read", async () => {
  await withStore("no certificate", () => {
    assertEquals(systemAuthorities().filter((pem) => !pem.startsWith("-----BEGIN")), []);
    Deno.env.set("SSL_CERT_FILE", "/nowhere/at/all.pem");
    assertEquals(systemAuthorities().filter((pem) => !pem.startsWith("-----BEGIN")), []);
    return Promise.resolve();
  });
});

const clients: Readonly<Record<string, () => HttpClient>> = {
  timed: () => {
    const client = createTimedClient();
    return (request, signal) => client({ httpVersion: "2", ...request }, signal);
  },
  fetch: createPlatformFetchClient,
};

/** Deno's own server of HTTP/2: the one of node:http2 aborts now and then, in Deno 2.9. */
function startServer(pair: KeyPair) {
  const answers: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
    "/fine": () => new Response("hello"),
    "/gzip": () =>
      new Response(zlib.gzipSync("hello"), { headers: { "content-encoding": "gzip" } }),
    "/redirect": () => new Response("moved", { status: 302, headers: { location: "/fine" } }),
    "/echo": async (request) => Response.json({ body: await request.text() }),
  };
  const server = Deno.serve(
    { ...pair, hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => answers[new URL(request.url).pathname]!(request),
  );
  const url = (path: string) => `https://127.0.0.1:${server.addr.port}${path}`;
  return { url, shutdown: () => server.shutdown() };
}

for (const [name, create] of Object.entries(clients)) {
  Deno.test(`the client "${name}" trusts the system's authorities, and speaks HTTP/2`, async () => {
    const authority = await Authority.create("Company authority");
    const pair = await authority.sign({ name: "intranet" });
    const server = startServer(pair);
    const controller = new AbortController();
    const timeOut = () => controller.abort(new DOMException("", "TimeoutError"));
    const frames = [FRAMES.head, FRAMES.data("hello")];
    const reading = bodyReading();
    const hanging = await startRawHttp2Server(pair, frames, reading, timeOut);
    const before = await create()({ url: server.url("/fine") }, never);
    assertEquals(before.error?.class, "tls_certificate_untrusted");
    await withStore(authority.cert, async () => {
      const client = create();
      const record = await client({ url: server.url("/gzip") }, never);
      assertEquals([record.error, record.status], [null, 200]);
      assertEquals(Buffer.from(record.body).toString(), "hello");
      const redirected = await client({ url: server.url("/redirect") }, never);
      assertEquals(redirected.hops.map(({ status }) => status), [302, 200]);
      const echo = await client({
        url: server.url("/echo"),
        method: "POST",
        headers: [["X-Own", "1"]],
        body: new TextEncoder().encode("question"),
      }, never);
      assertStringIncludes(Buffer.from(echo.body).toString(), '"body":"question"');
      const { allowance } = reading;
      const { status, error } = await client(
        { url: hanging.url("/"), allowance },
        controller.signal,
      );
      assertEquals([status, error?.class], [200, "timeout"]);
    });
    await Promise.all([server.shutdown(), hanging.close()]);
  });
}
