import { assertEquals } from "@std/assert";
import { keepBeating } from "../../alerts/heartbeat.ts";
import { waitFor } from "../../local/wait.ts";
import { ownDatabase } from "../db/fixture.ts";
import { recordingLog } from "../support/recording_log.ts";
import { startHttp } from "./channels/http_receiver.ts";

Deno.test("keepBeating() asks while all flows, and says once why it does not", async () => {
  await using database = await ownDatabase();
  await using server = await startHttp();
  const log = recordingLog();
  const controller = new AbortController();
  const unready: string[] = [];
  let rounds = 0;
  let next = () => {};
  const running = keepBeating({
    url: `${server.url}/ping/secret`,
    pool: database.pool,
    fetch,
    unready: () => unready,
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      after: (_, run) => (rounds++, next = run, () => {}),
    },
    log,
    signal: controller.signal,
  });
  const beat = async () => {
    const before = rounds;
    next();
    await waitFor("it has looked", () => rounds > before, 60_000);
    return server.requests.length;
  };
  await waitFor("it has looked", () => rounds === 1, 60_000);
  assertEquals(server.requests.length, 0);
  await database.rows("UPDATE alert_rounds SET now = extract(epoch FROM now()) * 1000");
  await database.rows(
    "INSERT INTO agent_states VALUES (gen_random_uuid(), '{\"silentSince\": null}')",
  );
  assertEquals(await beat(), 1);
  assertEquals(await beat(), 2);

  await database.rows("INSERT INTO channels VALUES ('chat', now() - interval '6 min')");
  assertEquals([await beat(), await beat()], [2, 2]);
  await database.rows("UPDATE channels SET failing_since = now()");
  assertEquals(await beat(), 3);
  unready.push("The alerter is not in its consumer group");
  assertEquals(await beat(), 3);
  unready.pop();
  await database.rows("UPDATE agent_states SET state = '{\"silentSince\": 5}'");
  assertEquals(await beat(), 3);
  await server[Symbol.asyncDispose]();
  await database.rows("UPDATE agent_states SET state = '{\"silentSince\": null}'");
  await beat();
  await database.rows("ALTER TABLE agent_states RENAME TO away");
  await beat();
  controller.abort();
  next();
  await running;
  assertEquals(log.lines.map(({ level, fields, message }) => [level, fields.reasons ?? message]), [
    ["error", ["Results of the last 3 minutes are not decided on", "No agent is heard"]],
    ["notice", "The heartbeat goes on"],
    ["error", ['Channel "chat" takes nothing']],
    ["notice", "The heartbeat goes on"],
    ["error", ["The alerter is not in its consumer group"]],
    ["error", ["No agent is heard"]],
    ["error", ["The heartbeat's URL cannot be reached"]],
    ["error", ["The database cannot be asked"]],
  ]);
});
