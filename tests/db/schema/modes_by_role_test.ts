import { assertEquals, assertMatch } from "@std/assert";
import process from "node:process";
import { freePort } from "../../../local/ports.ts";
import { waitFor } from "../../../local/wait.ts";
import { formatTimestamp } from "../../../wire/timestamp.ts";
import { freshTopic, kafkaForTests } from "../../support/stack.ts";
import { produce, sevenFields } from "../../support/topic_io.ts";
import { ownDatabase } from "../fixture.ts";
import { type Role, testRoles } from "../roles.ts";
import { httpmon } from "../run_mode.ts";

/** A mode as one role runs it; those after it build on what it did. */
interface Step {
  role: Role;
  args: string[];
  /** Of one that goes on: when it has done what it is to, and may be stopped. */
  until?: () => Promise<boolean>;
  input?: string;
  says: RegExp;
}

const START_MS = 120_000;

Deno.test("each mode does its work as its role of roles.sql, and complains of nothing", async () => {
  await using database = await ownDatabase({ empty: true });
  await using roles = await testRoles(database);
  await roles.grant("owner");
  const { brokers } = await kafkaForTests();
  const topic = await freshTopic();
  const port = await freePort();
  const config = JSON.stringify({
    kafka: { monitoring: { bootstrap_servers: brokers, topic, consumer_group: topic } },
    writer: { maintain: "off" },
    web: { listen: `127.0.0.1:${port}` },
    websites: { "https://example.com/0": {} },
  });
  const now = new Date();
  const lastMonth = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 15));
  const message = (n: number) =>
    JSON.stringify(sevenFields(0, {
      ts: formatTimestamp(BigInt(lastMonth.getTime()) * 1000n + BigInt(n)),
      responseCode: n === 2 ? 503 : 200,
    }));
  await produce(topic, [{ value: message(1) }, { value: message(2) }, { value: "not yet" }]);
  const month = ["--month", lastMonth.toISOString().slice(0, 7)];
  const counts = (sql: string, expected: number) => async () =>
    await database.value(`SELECT count(*)::int FROM ${sql}`) === expected;

  const steps: Step[] = [
    { role: "owner", args: ["init-schema"], says: /Made 18 daily partitions/ },
    { role: "writer", args: ["writer"], until: counts("dead_letters", 1), says: /^$/ },
    {
      role: "alerter",
      args: ["alerts"],
      until: counts("consumer_offsets WHERE next_offset = 3", 2),
      says: /^$/,
    },
    { role: "reader", args: ["maintain", "--dry-run"], says: /Would roll up 1 hours of sites/ },
    { role: "maintainer", args: ["maintain"], says: /Rolled up 3 hours, days and months/ },
    { role: "reader", args: ["report", ...month], says: /https:\/\/example.com\/0 +50.00 %/ },
    { role: "maintainer", args: ["report", ...month, "--freeze"], says: /frozen \(1 of 1 sites/ },
    { role: "reader", args: ["report", ...month, "--verify"], says: /1 frozen sites, 0 differ/ },
    { role: "reader", args: ["dbdump"], says: /^(\{"ts".*\n){2}$/ },
    { role: "reader", args: ["dbdump", "--from", "daily"], says: /"checks":2/ },
    {
      role: "writer",
      args: ["restore", "-"],
      input: `${message(1)}\n${message(3)}\n`,
      says: /1 results stored, 1 there already, 0 refused/,
    },
    { role: "maintainer", args: ["replay"], says: /Still not to be stored, bad_json: 1/ },
    {
      role: "reader",
      args: ["web"],
      until: async () => (await fetch(`http://127.0.0.1:${port}/api/v1/sites`)).ok,
      says: /^httpmon web: /,
    },
  ];
  for (const { role, args, until, input, says } of steps) {
    const what = `${args.join(" ")} as ${role}`;
    const { code, stdout, stderr } = await httpmon(roles.dsnOf(role), args, {
      config,
      input,
      meanwhile: until && (async (child) => {
        await waitFor(what, () => until().catch(() => false), START_MS);
        process.kill(child.pid!, "SIGTERM");
      }),
    });
    assertEquals([code, /denied|42501/.test(stderr)], [0, false], `${what}: ${stderr}`);
    assertMatch(stdout, says, what);
    if (args[0] === "init-schema") {
      await roles.grant("owner", "writer", "alerter", "reader", "maintainer");
    }
  }
});
