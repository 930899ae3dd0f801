import { assertEquals } from "@std/assert";
import { createTimedClient } from "../../../../agent/http/timed/client.ts";
import type { Resolver } from "../../../../agent/http/resolve.ts";
import type { Phases } from "../../../../wire/message.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { startHostileServer } from "../../../support/hostile_server.ts";
import { until } from "../../support.ts";
import { Authority } from "../certificates.ts";
import { startProxy } from "./proxy_server.ts";

const never = new AbortController().signal;

/** Milliseconds that each part takes. */
const TOLD: Phases = { dns: 40, connect: 60, tls: 80, firstByte: 110, download: 150 };

/** A client whose clock goes on only where a part takes its time, while the client waits for it. */
function timed() {
  const clock = new FakeClock();
  const { monotonic } = clock;
  let reads = 0;
  clock.monotonic = () => {
    reads++;
    return monotonic();
  };
  const takes = (ms: number) => clock.stall(ms);
  /** Resolves when the client has seen the start of the response, and so looked at its clock. */
  const firstByteSeen = () => {
    const before = reads;
    return until(() => reads > before, "the client sees the first byte");
  };
  /** A resolver that takes its time for any name, all of which are 127.0.0.1. */
  const resolver: Resolver = {
    lookup(_host, _options, callback) {
      takes(TOLD.dns);
      callback(null, [{ address: "127.0.0.1", family: 4 }]);
    },
    answersForRoot: () => Promise.resolve(true),
  };
  return { client: createTimedClient({ clock, resolver }), takes, firstByteSeen };
}

Deno.test("phases over TLS through a proxy are those that resolver, proxy and server take", async () => {
  const { client, takes, firstByteSeen } = timed();
  const authority = await Authority.create();
  const server = await startHostileServer({
    tls: await authority.sign({ name: "site", names: [{ type: "dns", value: "site.test" }] }),
    answers: {
      slow: async (s) => {
        takes(TOLD.firstByte);
        s.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        await firstByteSeen();
        takes(TOLD.download);
        s.end("hello");
      },
    },
  });
  const proxy = await startProxy({
    onConnect: () => takes(TOLD.connect),
    onForward: () => takes(TOLD.tls),
  });
  const { error, phases } = await client({
    url: `https://site.test:${server.port}/slow`,
    proxy: proxy.url().replace("127.0.0.1", "proxy.test"),
    tls: { ca: authority.cert },
  }, never);
  assertEquals([error, phases], [null, TOLD]);
  await Promise.all([server.close(), proxy.close()]);
});

Deno.test("phases of a plain check are dns, first byte and download", async () => {
  const { client, takes, firstByteSeen } = timed();
  const server = await startHostileServer({
    answers: {
      slow: async (s) => {
        takes(TOLD.firstByte);
        s.write("HTTP/1.1 200 OK\r\n");
        await firstByteSeen();
        takes(TOLD.download);
        s.end("\r\nhello");
      },
    },
  });
  const { error, phases } = await client({ url: `http://site.test:${server.port}/slow` }, never);
  assertEquals([error, phases], [null, { ...TOLD, connect: 0, tls: 0 }]);
  await server.close();
});

Deno.test("phases are of the last hop, the record's time of all", async () => {
  const { client, takes } = timed();
  const server = await startHostileServer({
    answers: {
      first: (s) => {
        takes(100);
        s.end("HTTP/1.1 302 Found\r\nLocation: /second\r\n\r\n");
      },
      second: (s) => {
        takes(7);
        s.end("HTTP/1.1 200 OK\r\n\r\nhello");
      },
    },
  });
  const { ms, hops, phases } = await client({ url: server.url("/first") }, never);
  assertEquals([ms, ...hops.map((hop) => hop.ms)], [107, 100, 7]);
  assertEquals(phases, { dns: 0, connect: 0, tls: 0, firstByte: 7, download: 0 });
  await server.close();
});

Deno.test("a phase that fails has the time until it did", async () => {
  const { client, takes } = timed();
  const controller = new AbortController();
  const server = await startHostileServer({
    answers: {
      hang: () => {
        takes(300);
        controller.abort(new DOMException("", "TimeoutError"));
      },
    },
  });
  const { error, phases } = await client({ url: server.url("/hang") }, controller.signal);
  assertEquals(error?.class, "timeout");
  assertEquals(phases, { dns: 0, connect: 0, tls: 0, firstByte: 300, download: 0 });
  await server.close();
});
