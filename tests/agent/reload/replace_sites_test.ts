import { assert, assertEquals } from "@std/assert";
import type { HttpClient } from "../../../agent/http/types.ts";
import { runAgent, type RunningAgent } from "../../../agent/run.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { agentConfig, clients, response, site, until, withFolder } from "../support.ts";

Deno.test("RunningAgent.replaceSites() checks exactly the given sites from then on, as they are now", async () => {
  await withFolder(async (folder) => {
    const asked: string[] = [];
    const client: HttpClient = ({ url, method }) => {
      asked.push(`${method} ${url}`);
      return Promise.resolve(response());
    };
    const count = (what: string) => asked.filter((one) => one === what).length;
    const stop = new AbortController();
    const at = (url: string, method = "GET") =>
      site({ url, frequencyMs: 50, request: { ...site().request, method } });
    const [gone, kept, changed] = ["http://gone/", "http://kept/", "http://changed/"];
    let running: RunningAgent | null = null;
    const ended = runAgent(agentConfig(folder, [at(gone), at(kept), at(changed)]), {
      clients: clients(client),
      send: () => Promise.resolve(),
      log: recordingLog(),
      signal: stop.signal,
      onStarted: (started) => void (running = started),
    });
    await until(() => [gone, kept, changed].every((url) => count(`GET ${url}`) > 1), "all run");
    running!.replaceSites([at(kept), at(changed, "HEAD"), at("http://new/")]);
    assertEquals(running!.schedule.size, 3);
    const [before, keptBefore] = [asked.length, count(`GET ${kept}`)];
    await until(
      () => count("HEAD http://changed/") > 2 && count("GET http://new/") > 2,
      "the new ones run",
    );
    stop.abort();
    await ended;
    const after = new Set(asked.slice(before));
    assertEquals([...after].toSorted(), [
      "GET http://kept/",
      "GET http://new/",
      "HEAD http://changed/",
    ]);
    assert(count(`GET ${kept}`) > keptBefore);
  });
});
