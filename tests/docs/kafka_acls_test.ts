/** The commands of docs/security.md, on a broker that enforces them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from "kafkajs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKafka } from "../../local/kafka/kafka.ts";
import { createTopic } from "../../kafka/topic.ts";
import { quietKafka } from "../../local/kafka/client.ts";
import { waitFor } from "../../local/wait.ts";
import { ROOT } from "../../scripts/build/project.ts";
import { ownDatabase } from "../db/fixture.ts";
import { httpmon } from "../db/run_mode.ts";
import { Program } from "../support/program/program.ts";
import { denoEnv, taskCommand } from "../support/program/task_command.ts";

const USERS = ["agent", "writer", "alerter"];
const OPERATIONS: Record<string, number> = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Describe: AclOperationTypes.DESCRIBE,
};

/** What `kafka-acls.sh --add` makes of each of its commands in a text. */
function aclsOf(text: string) {
  return [...text.matchAll(/^ +kafka-acls\.sh .*$/gm)].flatMap(([line]) => {
    const value = (name: string) => new RegExp(` --${name} (\\S+)`).exec(line)?.[1];
    const topic = value("topic");
    return [...line.matchAll(/ --operation (\w+)/g)].map(([, operation]) => ({
      resourceType: topic ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
      resourceName: topic ?? value("group")!,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: value("allow-principal")!,
      host: "*",
      operation: OPERATIONS[operation!]!,
      permissionType: AclPermissionTypes.ALLOW,
    }));
  });
}

Deno.test("docs/security.md's ACLs are enough for each mode, and the others' are not", async () => {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "httpmon-acls-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const logins = USERS.map((name) => `user_${name}="${name}-secret"`).join(" ");
  const kafka = await startKafka({
    folder: join(folder, "kafka"),
    listeners: { SASL: { security: "sasl_plaintext" } },
    settings: {
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      // Of the listener that asks for no login.
      "super.users": "User:ANONYMOUS",
      "listener.name.sasl.plain.sasl.jaas.config":
        `org.apache.kafka.common.security.plain.PlainLoginModule required ${logins};`,
    },
  });
  parts.defer(() => kafka.stop());
  const admin = quietKafka(kafka.brokers).admin();
  await admin.connect();
  parts.defer(() => admin.disconnect());
  await createTopic(admin, {
    topic: "monitoring",
    numPartitions: 2,
    configEntries: [{ name: "message.timestamp.type", value: "LogAppendTime" }],
  });
  const acl = aclsOf(await readFile(join(ROOT, "docs/security.md"), "utf8"));
  assertEquals(acl.length, 8);
  const database = parts.use(await ownDatabase());
  const site = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response("well"),
  );
  parts.defer(() => site.shutdown());

  const configOf = (user: string) => ({
    kafka: {
      monitoring: {
        bootstrap_servers: `127.0.0.1:${kafka.ports.SASL}`,
        sasl_mechanism: "PLAIN",
        sasl_username: user,
        sasl_password: `${user}-secret`,
        batch_timeout_ms: 200,
      },
    },
    websites: { [`http://127.0.0.1:${site.addr.port}/`]: { frequency: 1 } },
    database: { writer: { dsn: database.dsn } },
  });
  const start = async (mode: string, user: string) => {
    const cwd = await mkdtemp(join(folder, `${mode}-`));
    await writeFile(join(cwd, "config.yaml"), JSON.stringify(configOf(user)));
    const command = [...taskCommand(mode), "-c", "config.yaml"];
    return parts.use(new Program({ command, cwd, env: denoEnv() }));
  };
  /** What is found of Kafka. */
  const connect = async (user: string, as: string) => {
    const { stdout } = await httpmon(database.dsn, ["check-config", "--connect", "--as", as], {
      config: JSON.stringify(configOf(user)),
    });
    const found = stdout.matchAll(/^(broker|topic|publish|read|group) +(ok|FAILED)/gm);
    return [...found].map(([, of, word]) => `${of} ${word}`).join(", ");
  };

  // Without a right, nobody sees anything.
  assertEquals(await connect("agent", "agent"), "broker ok, topic FAILED");
  assertEquals(await connect("writer", "writer"), "broker ok, topic FAILED, group FAILED");
  const early = await start("writer", "writer");
  await waitFor("the writer to be refused", () => /[Nn]ot authorized/.test(early.stderr), 60_000);

  await admin.createAcls({ acl });
  const agent = await start("agent", "agent");
  await start("alerts", "alerter");
  const stored = (consumer: string) =>
    database.value(
      `SELECT coalesce(sum(next_offset), 0)::int FROM consumer_offsets WHERE consumer = '${consumer}'`,
    ) as Promise<number>;
  // The one that was refused goes on by itself.
  await waitFor("results in the table", async () => await stored("writer") > 2, 60_000);
  await waitFor("results at the alerter", async () => await stored("alerts") > 2, 60_000);

  const written = () => admin.fetchTopicOffsets("monitoring");
  await agent.stops(60_000);
  const before = await written();
  const reads = "broker ok, topic ok, read";
  assertEquals(await connect("agent", "agent"), "broker ok, topic ok, publish ok");
  assertEquals(await connect("writer", "agent"), "broker ok, topic ok, publish FAILED");
  assertEquals(await connect("agent", "writer"), `${reads} FAILED, group FAILED`);
  assertEquals(await connect("writer", "writer"), `${reads} ok, group ok`);
  assertEquals(await connect("writer", "alerts"), `${reads} ok, group FAILED`);
  assertEquals(await connect("alerter", "alerts"), `${reads} ok, group ok`);
  assertEquals(await connect("nobody-asks-kafka", "web"), "");
  assertEquals(await written(), before);
  const intruder = await start("agent", "writer");
  await waitFor("an agent without Write", () => /[Nn]ot authorized/.test(intruder.stderr), 60_000);
  assertMatch(intruder.stderr, /Cannot send to the broker/);
  for (const { stderr } of [early, intruder]) {
    assertMatch(stderr, /"advice":"give the login its rights, see docs\/security\.md"/);
  }
  assert(!intruder.stderr.includes("writer-secret"));
});
