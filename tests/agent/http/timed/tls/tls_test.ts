import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import net from "node:net";
import type { TlsOptions as ServerOptions } from "node:tls";
import { createPlatformFetchClient } from "../../../../../agent/http/platform_fetch.ts";
import { createTimedClient } from "../../../../../agent/http/timed/client.ts";
import { TrustStore } from "../../../../../agent/http/timed/tls/trust.ts";
import type { FailureClass } from "../../../../../agent/http/errors.ts";
import type { HttpRecord, TlsOptions } from "../../../../../agent/http/types.ts";
import {
  ANSWERS,
  type HostileServer,
  startHostileServer,
} from "../../../../support/hostile_server.ts";
import { systemClock } from "../../../../../runtime/clock.ts";
import { FakeClock } from "../../../../support/fake_clock.ts";
import { Authority, type KeyPair, selfSigned } from "../../certificates.ts";

const DAY_MS = 86_400_000;
const never = new AbortController().signal;
const client = createTimedClient();
const authority = await Authority.create();

/** Runs `use` with a server that shows these certificates. */
async function withServer<T>(
  options: ServerOptions,
  use: (server: HostileServer) => Promise<T>,
): Promise<T> {
  const server = await startHostileServer({ tls: options });
  try {
    return await use(server);
  } finally {
    await server.close();
  }
}

function check(shown: KeyPair, tls?: TlsOptions, path = "/fine"): Promise<HttpRecord> {
  return withServer(shown, async (server) => {
    const record = await client({ url: server.url(path), tls }, never);
    if (record.error) assertEquals(server.requests, [], "nothing is sent before the check");
    return record;
  });
}

Deno.test("the timed client records the TLS session and the chain", async () => {
  const intermediate = await authority.intermediate("Test intermediate");
  const notAfter = new Date(Date.now() + DAY_MS / 2);
  const leaf = await intermediate.sign({ name: "site.test", notAfter });
  const shown = { cert: leaf.cert + intermediate.cert, key: leaf.key };
  const record = await check(shown, { ca: authority.cert });
  assertEquals(record.error, null);
  const tls = record.tls;
  assert(tls);
  assertEquals([tls.protocol, tls.authorized, tls.authorizationError], ["TLSv1.3", true, null]);
  assertMatch(tls.cipher!, /^TLS_/);
  assertEquals(tls.chain.map(({ subject }) => subject), [
    "CN=site.test",
    "CN=Test intermediate",
    "CN=Test authority",
  ]);
  const [own] = tls.chain;
  assertEquals(own!.issuer, "CN=Test intermediate");
  assertEquals(own!.names, ["IP Address:127.0.0.1", "DNS:localhost"]);
  assertEquals(own!.serial, "0A0B");
  assertMatch(own!.fingerprint256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assertEquals(own!.notAfter, Math.floor(notAfter.getTime() / 1000) * 1000);
  assertEquals(tls.earliestExpiry, own!.notAfter);
  assert(record.phases!.tls > 0);
});

Deno.test("the timed client records the chain that verified, not what was sent beside it", async () => {
  // As with Let's Encrypt: its root, once vouched for by an older one that has ended.
  const older = await Authority.create("Older authority");
  const ended = {
    notBefore: new Date(Date.now() - 9 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
  };
  const crossed = await authority.crossSigned(older, ended);
  const intermediate = await authority.intermediate("Test intermediate");
  const leaf = await intermediate.sign({ name: "site.test" });
  const shown = { cert: leaf.cert + intermediate.cert + crossed + older.cert, key: leaf.key };
  const { error, tls } = await check(shown, { ca: authority.cert });
  assertEquals([error, tls!.authorized], [null, true]);
  assertEquals(tls!.chain.map(({ subject }) => subject), [
    "CN=site.test",
    "CN=Test intermediate",
    "CN=Test authority",
  ]);
  assert(tls!.earliestExpiry! > Date.now());
});

Deno.test("the timed client reads a chain anew when its certificate has changed, or long after", async () => {
  const clock = new FakeClock({ wall: Date.now() });
  const own = createTimedClient({ clock });
  const chainOf = async (pair: KeyPair) =>
    await withServer(pair, async (server) => {
      const record = await own({ url: server.url("/fine"), tls: { ca: authority.cert } }, never);
      return record.tls!.chain;
    });
  const first = await authority.sign({ name: "first" });
  const known = await chainOf(first);
  assertEquals(await chainOf(first) === known, true);
  assertEquals((await chainOf(await authority.sign({ name: "second" })))[0]!.subject, "CN=second");
  clock.stall(600_000);
  const again = await chainOf(first);
  assertEquals([again === known, again], [false, known]);
});

Deno.test("the timed client trusts an authority of the system, and forgets it where it is no help", async () => {
  const system = await Authority.create("Company authority");
  let [read, asked] = [0, 0];
  const trust = new class extends TrustStore {
    override another(...args: Parameters<TrustStore["another"]>) {
      asked++;
      return super.another(...args);
    }
  }(systemClock, () => (read++, ["no PEM", authority.cert, system.cert]));
  const own = createTimedClient({ trust });
  const shown = async (pair: KeyPair, tls?: TlsOptions) => {
    asked = 0;
    const record = await withServer(pair, (s) => own({ url: s.url("/fine"), tls }, never));
    return [record.error?.class ?? record.status, asked];
  };
  const ofCompany = await system.sign({ name: "intranet" });
  // The first time it is found out, by a connection that does not verify; then it is known.
  assertEquals(await shown(ofCompany), [200, 1]);
  assertEquals(await shown(ofCompany), [200, 0]);
  const ofOther = await authority.sign({ name: "intranet" });
  assertEquals(await shown(ofOther), [200, 2]);
  assertEquals(await shown(ofOther), [200, 0]);
  const unknown = await selfSigned({ name: "self" });
  assertEquals(await shown(unknown), ["tls_certificate_untrusted", 2]);
  assertEquals(await shown(unknown), ["tls_certificate_untrusted", 1]);
  assertEquals(await shown(ofCompany, { ca: authority.cert }), ["tls_certificate_untrusted", 1]);
  // Of that name, but by another key.
  const impostor = await (await Authority.create("Company authority")).sign({ name: "intranet" });
  assertEquals(await shown(impostor), ["tls_certificate_untrusted", 1]);
  assertEquals(read, 1);
});

const refusals: [name: string, shown: () => Promise<KeyPair>, expected: FailureClass][] = [
  ["self-signed", () => selfSigned({ name: "self" }), "tls_certificate_untrusted"],
  [
    "signed by an unknown authority",
    async () => (await Authority.create("Unknown")).sign({ name: "a" }),
    "tls_certificate_untrusted",
  ],
  [
    "expired",
    () =>
      authority.sign({
        name: "old",
        notBefore: new Date(Date.now() - 2 * DAY_MS),
        notAfter: new Date(Date.now() - DAY_MS),
      }),
    "tls_certificate_expired",
  ],
  [
    "not valid yet",
    () =>
      authority.sign({
        name: "new",
        notBefore: new Date(Date.now() + DAY_MS),
        notAfter: new Date(Date.now() + 2 * DAY_MS),
      }),
    "tls_certificate_expired",
  ],
  [
    "for another name",
    () => authority.sign({ name: "x", names: [{ type: "dns", value: "other.test" }] }),
    "tls_certificate_name",
  ],
];

for (const [name, shown, expected] of refusals) {
  Deno.test(`the timed client refuses a certificate that is ${name}, and still shows it`, async () => {
    const pair = await shown();
    const record = await check(pair, { ca: authority.cert });
    assertEquals(record.error?.class, expected, record.error?.message);
    assertEquals(record.status, null);
    assertEquals(record.tls?.authorized, false);
    assertEquals(record.tls!.chain.length >= 1, true);
    assertEquals(typeof record.tls!.authorizationError, "string");

    const insecure = await check(pair, { ca: authority.cert, insecure: true });
    assertEquals([insecure.error, insecure.status], [null, 200]);
    assertEquals(insecure.tls?.authorized, false);
  });
}

Deno.test("both clients name the failure alike", async () => {
  const platform = createPlatformFetchClient();
  const pair = await selfSigned({ name: "self" });
  await withServer(pair, async (server) => {
    const record = await platform({ url: server.url("/fine") }, never);
    assertEquals(record.error?.class, "tls_certificate_untrusted");
  });
  const plain = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  });
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(plain.address() as net.AddressInfo).port}/`;
  for (const each of [client, platform]) {
    const record = await each({ url }, never);
    assertEquals(record.error?.class, "tls_failed", record.error?.message);
  }
  await new Promise<void>((resolve) => plain.close(() => resolve()));
});

Deno.test("the timed client trusts the machine's roots only, unless `ca` is given", async () => {
  const leaf = await authority.sign({ name: "site.test" });
  assertEquals((await check(leaf)).error?.class, "tls_certificate_untrusted");
});

Deno.test("the timed client looks for `serverName` in the certificate, and sends it", async () => {
  const leaf = await authority.sign({ name: "x", names: [{ type: "dns", value: "inner.test" }] });
  let sent = "";
  const server = await startHostileServer({
    tls: {
      ...leaf,
      SNICallback: (name, done) => {
        sent = name;
        done(null);
      },
    },
  });
  const tls = { ca: authority.cert, serverName: "inner.test" };
  const record = await client({ url: server.url("/fine"), tls }, never);
  assertEquals(record.error, null);
  assertEquals(sent, "inner.test");
  await server.close();
});

Deno.test("the timed client shows a client certificate, to the first origin only", async () => {
  const leaf = await authority.sign({ name: "site.test" });
  const own = await authority.sign({ name: "agent" });
  const demanding = { ...leaf, requestCert: true, ca: authority.cert, rejectUnauthorized: true };
  await withServer(demanding, async (server) => {
    const tls = { ca: authority.cert, ...own };
    assertEquals((await client({ url: server.url("/fine"), tls }, never)).status, 200);

    const without = await client({ url: server.url("/fine"), tls: { ca: authority.cert } }, never);
    assertEquals(without.status, null);
    assert(without.error);

    const away = await startHostileServer({
      tls: leaf,
      answers: {
        ...ANSWERS,
        away: (s) =>
          s.end(
            `HTTP/1.1 302 Found\r\nLocation: ${server.url("/fine")}\r\nContent-Length: 0\r\n\r\n`,
          ),
      },
    });
    const redirected = await client({ url: away.url("/away"), tls }, never);
    assertEquals(redirected.status, 302);
    assert(redirected.error);
    await away.close();
  });
});

Deno.test("the timed client gives `not_made` for what is no PEM, and quotes none of it", async () => {
  const leaf = await authority.sign({ name: "site.test" });
  const wrong: TlsOptions[] = [{ ca: "secret" }, { cert: "secret", key: leaf.key }, {
    cert: leaf.cert,
    key: "secret",
  }];
  for (const tls of wrong) {
    const record = await check(leaf, tls);
    assertEquals(record.error?.class, "not_made");
    assertStringIncludes(record.error!.message, "is not a PEM text that can be read");
    assertEquals(record.error!.message.includes("secret"), false);
  }
});

Deno.test("a handshake that is cut or hangs ends the exchange", async () => {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => hang ? hang() : socket.resetAndDestroy());
  });
  let hang: (() => void) | null = null;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as net.AddressInfo).port}/`;
  assertEquals((await client({ url }, never)).error?.class, "connection_reset");

  const controller = new AbortController();
  hang = () => controller.abort(new DOMException("", "TimeoutError"));
  const record = await client({ url }, controller.signal);
  assertEquals(record.error?.class, "timeout");
  assertStringIncludes(record.error!.message, "setting up TLS");
  assert(record.phases!.tls > 0);
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

Deno.test("the timed client reads a response over TLS whatever its size", async () => {
  const leaf = await authority.sign({ name: "site.test" });
  const record = await check(leaf, { ca: authority.cert }, "/large");
  assertEquals([record.body.length, record.bodyTruncated], [1024 * 1024, true]);
});
