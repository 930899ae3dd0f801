import { assert, assertEquals } from "@std/assert";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { waitFor } from "../../../local/wait.ts";
import { Sites } from "./sites.ts";

Deno.test("Sites note each request, when it came and when its answer was out", async () => {
  const sites = await Sites.start(8);
  try {
    const before = Date.now();
    const response = await fetch(sites.urls[7]!);
    assertEquals(await response.text(), "fine");
    const look = async () => (await sites.seen()).served;
    await waitFor("the answer to be out", async () => (await look())[0]!.to !== null, 60_000, 5);
    const [request, ...more] = await look();
    assertEquals(more, []);
    assertEquals(request!.url, sites.urls[7]!);
    assert(before <= request!.from && request!.since <= request!.from);
    assert(request!.from <= request!.to!);
  } finally {
    await sites.close();
  }
});

Deno.test("Sites answer with 503 where they are said to be down, and count their answers since", async () => {
  const sites = await Sites.start(3);
  const [one, two] = sites.urls as [string, string, string];
  const ask = async (url: string) => {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.status;
  };
  try {
    assertEquals(await ask(one), 200);
    await sites.setDown([one]);
    assertEquals([await sites.answers([one]), await ask(one), await ask(two)], [0, 503, 200]);
    await waitFor("both are counted", async () => await sites.answers([one, two]) === 1, 60_000, 5);
    assertEquals(await sites.answers(sites.urls), 0);
    await sites.setDown([]);
    assertEquals(await ask(one), 200);
  } finally {
    await sites.close();
  }
});

Deno.test("Sites answer while the thread that started them stands still", async () => {
  const sites = await Sites.start(8);
  const answered = new Int32Array(new SharedArrayBuffer(4));
  const code = `import { workerData, parentPort } from "node:worker_threads";
    parentPort.postMessage("ready");
    const { url, answered } = workerData;
    fetch(url).then((response) => response.text()).then(() => {
      Atomics.store(answered, 0, 1);
      Atomics.notify(answered, 0);
    });`;
  const source = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const asker = new Worker(source, { workerData: { url: sites.urls[7]!, answered } });
  try {
    await once(asker, "message");
    Atomics.wait(answered, 0, 0, 120_000);
    assertEquals(answered[0], 1);
  } finally {
    await asker.terminate();
    await sites.close();
  }
});
