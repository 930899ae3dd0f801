import { assertEquals, assertMatch } from "@std/assert";
import { freePort } from "../../local/ports.ts";
import { ownDatabase } from "../db/fixture.ts";
import { testRoles } from "../db/roles.ts";
import { httpmon } from "../db/run_mode.ts";
import { freshTopic, kafkaForTests } from "../support/stack.ts";

/** What check-config says of a part, by its name. */
async function connected(dsn: string, topic: string, brokers?: string[], as?: string) {
  const bootstrap_servers = brokers ?? (await kafkaForTests()).brokers;
  // Who is not there has no long time to answer.
  const request_timeout_ms = brokers ? 5_000 : 60_000;
  const config = JSON.stringify({
    kafka: { monitoring: { bootstrap_servers, topic, consumer_group: topic, request_timeout_ms } },
  });
  const { code, stdout, stderr } = await httpmon(
    dsn,
    ["check-config", "--connect", ...(as ? ["--as", as] : [])],
    { config },
  );
  assertEquals(stderr, "");
  const lines = stdout.split("\n\n").at(-1)!.trim().split("\n");
  const parts = lines.map((line) => /^(\w+) +(ok|FAILED) {2}(.*)$/.exec(line)!.slice(1));
  return { code, found: new Map(parts.map(([of, word, text]) => [of!, `${word} ${text}`])) };
}

Deno.test("httpmon check-config --connect tells of each part that a mode needs", async () => {
  await using database = await ownDatabase();
  const { code, found } = await connected(database.dsn, await freshTopic({ partitions: 3 }));
  assertEquals(code, 0);
  assertEquals([...found.keys()], [
    "broker",
    "topic",
    "read",
    "group",
    "database",
    "tables",
    "rights",
  ]);
  assertMatch(found.get("broker")!, /^ok cluster \S+ of \S+:\d+$/);
  assertMatch(found.get("topic")!, /^ok "test-\S+" of 3 partitions$/);
  assertMatch(found.get("group")!, /^ok "test-\S+", of 0 at work$/);
  assertMatch(found.get("database")!, /^ok "\w+" of PostgreSQL 1\d\S* .*as "\w+", no TLS$/);
  assertEquals(found.get("tables"), "ok as this version needs them");
  assertEquals(
    found.get("rights"),
    "ok for writer, restore, alerts, web, dbdump, report, silence, replay, maintain, init-schema",
  );
});

Deno.test("httpmon check-config --connect says what is missing, and makes nothing", async () => {
  await using database = await ownDatabase({ empty: true });
  const topic = `never-made-${crypto.randomUUID()}`;
  for (let run = 0; run < 2; run++) {
    const { code, found } = await connected(database.dsn, topic);
    assertEquals(code, 1);
    assertEquals(
      found.get("topic"),
      `ok "${topic}" is not there yet; it may be made, of 6 partitions`,
    );
    assertMatch(
      found.get("tables")!,
      /^FAILED \d+ migrations are left; run "httpmon init-schema"$/,
    );
  }
});

Deno.test("httpmon check-config --connect says what cannot be reached, and what a role may", async () => {
  await using database = await ownDatabase();
  await using roles = await testRoles(database);
  const nobody = `127.0.0.1:${await freePort()}`;
  await roles.grant("writer");
  const writer = await connected(roles.dsnOf("writer"), "any", [nobody]);
  assertEquals(writer.code, 1);
  assertMatch(writer.found.get("broker")!, /^FAILED .*ECONNREFUSED.*127\.0\.0\.1/);
  assertEquals([writer.found.has("topic"), writer.found.get("rights")], [
    false,
    "ok for writer, restore",
  ]);
  const stranger = await connected(roles.dsnOf("reader"), "any", [nobody]);
  assertMatch(stranger.found.get("tables")!, /^FAILED .*give the role its rights/);
  const away = await connected(`postgres://me:hunter2@${nobody}/x`, "any", [nobody]);
  assertMatch(away.found.get("database")!, /^FAILED Cannot reach the database: .*ECONNREFUSED/);
  assertEquals(/hunter2/.test([...away.found.values()].join()), false);
});

Deno.test("httpmon check-config --connect --as looks at what a mode needs, and at no more", async () => {
  await using database = await ownDatabase();
  await using roles = await testRoles(database);
  await roles.grant("writer");
  const dsn = roles.dsnOf("writer");
  const topic = await freshTopic();
  const writer = await connected(dsn, topic, undefined, "writer");
  assertEquals([writer.code, writer.found.get("rights")], [0, "ok for writer, restore"]);
  const web = await connected(dsn, topic, undefined, "web");
  assertEquals([web.code, ...web.found.keys()], [1, "database", "tables", "rights"]);
  assertEquals(
    web.found.get("rights"),
    "FAILED for writer, restore; give the role its rights, see docs/security.md",
  );
  const empty = await ownDatabase({ empty: true });
  await using _ = empty;
  const first = await connected(empty.dsn, topic, undefined, "init-schema");
  assertMatch(first.found.get("tables")!, /^ok \d+ migrations are left for it$/);
});
