import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { gunzipSync } from "node:zlib";
import { compress } from "../../web/compress.ts";

const LONG = "word ".repeat(1_000);

function app() {
  const app = new Hono();
  app.use(compress);
  app.get("/long", (c) => c.text(LONG, 200, { etag: '"1"' }));
  app.get("/short", (c) => c.text("word"));
  app.get("/picture", (c) => c.body(LONG, 200, { "content-type": "image/png" }));
  app.get("/events", (c) => c.body(LONG, 200, { "content-type": "text/event-stream" }));
  return app;
}

async function ask(path: string, accept?: string) {
  const headers = accept === undefined ? undefined : { "accept-encoding": accept };
  const response = await app().request(path, { headers });
  const { headers: got } = response;
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { of: [got.get("content-encoding"), got.get("vary"), got.get("etag")], bytes };
}

Deno.test("compress() packs a long text for who takes gzip, and says that it may be either", async () => {
  for (const accept of ["gzip", "br, gzip;q=0.5", "deflate, gzip"]) {
    const { of, bytes } = await ask("/long", accept);
    assertEquals(of, ["gzip", "accept-encoding", 'W/"1"']);
    assertEquals(gunzipSync(bytes).toString(), LONG);
  }
  for (const accept of [undefined, "br", "gzip;q=0", "gzip; q=0.0, br", "xgzip"]) {
    const { of, bytes } = await ask("/long", accept);
    assertEquals(of, [null, "accept-encoding", '"1"'], accept);
    assertEquals(bytes.length, LONG.length);
  }
});

Deno.test("compress() leaves what is short, what is no text, and streams", async () => {
  assertEquals((await ask("/short", "gzip")).of, [null, "accept-encoding", null]);
  assertEquals((await ask("/picture", "gzip")).of, [null, null, null]);
  assertEquals((await ask("/events", "gzip")).of, [null, null, null]);
});
