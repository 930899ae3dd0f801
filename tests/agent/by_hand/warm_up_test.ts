import { assertEquals } from "@std/assert";
import { createTimedClient } from "../../../agent/http/timed/client.ts";
import type { HttpClient, HttpRecord } from "../../../agent/http/types.ts";
import { warmUp } from "../../../agent/by_hand/warm_up.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("warmUp() makes a request and a handshake on the loopback, with the TLS options to come", async () => {
  const client = createTimedClient();
  const asked: [origin: string, tls: unknown][] = [];
  const records: HttpRecord[] = [];
  const seen: HttpClient = async (request, signal) => {
    asked.push([new URL(request.url).protocol + new URL(request.url).hostname, request.tls]);
    const record = await client(request, signal);
    records.push(record);
    return record;
  };
  const tls = { insecure: true };
  await warmUp(seen, { tls }, new FakeClock(), new AbortController().signal);
  assertEquals(asked, [["http:127.0.0.1", tls], ["https:127.0.0.1", tls]]);
  assertEquals([records[0]!.status, records[1]!.error?.class], [200, "tls_failed"]);
  client.close();
});

Deno.test("warmUp() does nothing where the signal has aborted", async () => {
  let asked = 0;
  const client: HttpClient = () => {
    asked++;
    throw new Error("Nothing is to be asked");
  };
  await warmUp(client, {}, new FakeClock(), AbortSignal.abort());
  assertEquals(asked, 0);
});
