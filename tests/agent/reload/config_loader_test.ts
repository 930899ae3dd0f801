import { assert, assertEquals, assertLess, assertRejects, assertStrictEquals } from "@std/assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigLoader } from "../../../agent/reload/config_loader.ts";
import { loadConfig } from "../../../config/load.ts";
import type { Config } from "../../../config/types.ts";
import { longestHold } from "../../support/longest_hold.ts";
import { withFolder } from "../support.ts";

const file = "config.yaml";

/** A thread, and what loads the text given with it. */
async function withThread(
  body: (load: (text: string, before?: Config) => Promise<Config>, cwd: string) => Promise<void>,
) {
  await withFolder(async (cwd) => {
    const thread = new ConfigLoader();
    try {
      await body(async (text, before) => {
        await writeFile(join(cwd, file), text);
        const loaded = await thread.load({ file, cwd }, before?.sites ?? []);
        if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
        return loaded.config;
      }, cwd);
    } finally {
      await thread.close();
    }
  });
}

Deno.test("ConfigLoader gives what loadConfig() gives, whatever a site has", async () => {
  await withThread(async (load, cwd) => {
    const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    await writeFile(join(cwd, "ca.pem"), pem);
    await writeFile(join(cwd, "body.bin"), new Uint8Array([0, 255, 1]));
    const config = await load(`
      loglevel: INFO
      defaults:
        method: POST
        body_file: body.bin
        tls: {ca_file: ca.pem}
      websites:
        https://a.example/: {}
        https://b.example/: {body: own, tls: {}, auth: {bearer: x}}
        c: {url: https://c.example/, method: GET, body: "", json: {a: {equals: null}}}
        https://d.example/: {maintenance: [{cron: "@daily", duration: 60}], evidence: off}
      agent: {labels: {a: b}, listen: 9100}`);
    assertEquals(config, loadConfig(file, { cwd, mode: "agent" }));
    assertEquals(config.sites[0]!.request.body, new Uint8Array([0, 255, 1]));
    assertStrictEquals(config.sites[0]!.request.tls, config.sites[3]!.request.tls);
  });
});

Deno.test("ConfigLoader gives sites that are as before as the same objects", async () => {
  await withThread(async (load) => {
    const before = await load(`
      defaults: {headers: {A: b}, method: POST, body: x}
      websites: {https://a.example/: {}, https://b.example/: {}, https://c.example/: {}}`);
    const after = await load(
      `
      defaults: {headers: {A: b}, method: POST, body: x}
      websites: {https://c.example/: {}, https://b.example/: {timeout: 5}, https://d.example/: {}}`,
      before,
    );
    assertStrictEquals(after.sites[0], before.sites[2]);
    assert(after.sites[1] !== before.sites[1]);
    assertEquals(after.sites.map(({ url, timeoutMs }) => [url, timeoutMs]), [
      ["https://c.example/", 120_000],
      ["https://b.example/", 5_000],
      ["https://d.example/", 120_000],
    ]);
  });
});

Deno.test("ConfigLoader tells all that is wrong, and loads again after", async () => {
  await withThread(async (load) => {
    const error = await assertRejects(() =>
      load("websites: {https://a.example/: {timeout: 0}, b: {}}")
    );
    assertEquals((error as Error).message.split("\n"), [
      'Config "config.yaml" has 2 problems:',
      'websites["https://a.example/"].timeout: expected a number over 0 and at most 86400 (seconds), ' +
      "found 0",
      'websites.b: expected an http or https URL, or a name with "url" inside',
    ]);
    const config = await load("websites: {https://a.example/: {}}");
    assertEquals(config.sites.length, 1);
  });
});

Deno.test("ConfigLoader holds the event loop little with 10,000 sites", async () => {
  await withThread(async (load) => {
    const settings = "{regex: 'ok\\Z', headers: {A: b}, json: {a.b: {min: 1}}}";
    const text = (timeout: number) =>
      `defaults: {timeout: ${timeout}}\nwebsites:\n` +
      Array.from({ length: 10_000 }, (_, i) => `  https://s${i}.example/: ${settings}`).join("\n");
    const before = await load(text(5));
    const start = performance.now();
    const [after, longest] = await longestHold(() => load(text(6), before));
    const took = performance.now() - start;
    assertEquals(after.sites.length, 10_000);
    // It would be all of the time here. Measured 10 to 20 ms of some 1,000.
    assertLess(longest, took / 4);
  });
});

Deno.test("ConfigLoader fails a load that is under way when it is closed", async () => {
  await withFolder(async (cwd) => {
    await writeFile(join(cwd, file), "websites: {https://a.example/: {}}");
    const thread = new ConfigLoader();
    const loading = assertRejects(() => thread.load({ file, cwd }, []), Error, "it was stopped");
    await thread.close();
    await loading;
  });
});
