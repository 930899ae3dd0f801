import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { get as httpGet, type IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";
import { gunzipSync } from "node:zlib";
import { dataFolder } from "../../local/data_folder.ts";
import { type SampleSite, startSites } from "../../local/sites.ts";

interface Answer {
  status?: number;
  headers: IncomingMessage["headers"];
  body: Uint8Array;
  chunks: number;
}

/** Whatever takes longer hangs. */
const WITHIN_MS = 120_000;

/** One request over a connection of its own, no redirect followed, no body decoded. */
function ask({ url }: SampleSite, timeoutMs: number): Promise<Answer> {
  const get = url.startsWith("https:") ? httpsGet : httpGet;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = get(url, { agent: false, signal }, async (response) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const body = new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
      const { statusCode: status, headers } = response;
      resolve({ status, headers, body, chunks: chunks.length });
    });
    request.once("error", reject);
  });
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("startSites() gives sites that behave as they say", async (t) => {
  const data = await dataFolder();
  const samples = await startSites(data.path);
  const site = (name: string) => samples.sites.find((one) => one.name === name)!;
  const answer = (name: string) => ask(site(name), WITHIN_MS);
  const errorCode = (name: string, timeoutMs = WITHIN_MS) =>
    ask(site(name), timeoutMs).then(() => "none", (error) => error.code ?? error.name);
  try {
    await t.step("fine", async () => {
      const { status, body } = await answer("fine");
      assertEquals(status, 200);
      assert(new RegExp(site("fine").settings.regex!, "m").test(text(body)));
    });
    await t.step("slow", async () => {
      const start = performance.now();
      assertEquals((await answer("slow")).status, 200);
      assertGreaterOrEqual(performance.now() - start, 650);
    });
    await t.step("gzip", async () => {
      const { headers, body } = await answer("gzip");
      assertEquals(headers["content-encoding"], "gzip");
      assertStringIncludes(text(gunzipSync(body)), "All systems go");
    });
    await t.step("chunked", async () => {
      const { headers, body, chunks } = await answer("chunked");
      assertEquals(headers["transfer-encoding"], "chunked");
      assertGreaterOrEqual(chunks, 2);
      assertStringIncludes(text(body), "All systems go");
    });
    await t.step("redirect", async () => {
      const { status, headers } = await answer("redirect");
      assertEquals([status, headers.location], [302, "/fine"]);
    });
    await t.step("flaky", async () => {
      const statuses = [];
      for (let n = 0; n < 6; n++) statuses.push((await answer("flaky")).status);
      assertEquals(statuses, [200, 200, 503, 200, 200, 503]);
    });
    await t.step("error", async () => assertEquals((await answer("error")).status, 500));
    await t.step("regex-miss", async () => {
      const { status, body } = await answer("regex-miss");
      assertEquals(status, 200);
      assert(!new RegExp(site("regex-miss").settings.regex!, "m").test(text(body)));
    });
    await t.step("hang", async () => assertEquals(await errorCode("hang", 200), "ABORT_ERR"));
    await t.step("reset", async () => assertEquals(await errorCode("reset"), "ECONNRESET"));
    await t.step("refused", async () => assertEquals(await errorCode("refused"), "ECONNREFUSED"));
    await t.step("tls", async () => {
      const error = await ask(site("tls"), WITHIN_MS).then(() => null, (error) => error);
      assertStringIncludes(String(error), "unable to verify the first certificate");
    });
  } finally {
    await samples.close();
    await data.close();
  }
});
