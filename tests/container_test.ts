/**
 * What can be checked of Dockerfile and compose.yaml without a container engine: that they name only
 * what there is, that compose.yaml has its specification's shape (the schema in fixtures/compose_spec
 * is the one of compose-spec.io, Apache-2.0), and that the image's own commands run in plain folders.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import Ajv2020 from "ajv/dist/2020.js";
import yaml from "js-yaml";
import { cp, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { loadConfig } from "../config/load.ts";
import { isMode } from "../runtime/cli/modes.ts";
import { nodeBinary } from "../scripts/build/node_binary.ts";
import { BUNDLED_NODE } from "../scripts/build/node_versions.ts";
import { ROOT, TASKS, VERSION } from "../scripts/build/project.ts";
import { Program } from "./support/program/program.ts";
import { freshDatabase } from "./support/stack.ts";

interface Service {
  image: string;
  build?: string;
  environment: Record<string, string | number>;
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: object;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, null>;
}

/** Mounted whole. */
const CONFIG_FOLDER = "deploy/compose";

const text = (name: string) => readFile(join(ROOT, name), "utf8");
const compose = yaml.load(await text("compose.yaml")) as Compose;
const { services } = compose;
const ours = Object.entries(services).filter(([, { image }]) => image === "httpmon");

/** The Dockerfile's instructions: their names and the text behind them. */
const instructions = (await text("Dockerfile")).split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => {
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line)!;
    return { name: name!, rest: rest! };
  });
const restsOf = (wanted: string) =>
  instructions.filter(({ name }) => name === wanted).map(({ rest }) => rest);

Deno.test("compose.yaml has the shape of the Compose specification", async () => {
  const ajv = new Ajv2020.default({ strict: false, validateFormats: false });
  const schema = await text("tests/fixtures/compose_spec/compose-spec.json");
  const validate = ajv.compile(JSON.parse(schema));
  assert(validate(compose), JSON.stringify(validate.errors));
  const { kafka } = services;
  const wrong = { ...compose, services: { kafka: { ...kafka, depend_on: ["postgres"] } } };
  assert(!validate(wrong), "a misspelt key is not noticed");
});

Deno.test("compose.yaml runs each of the modes that it is for, and nothing that is not there", async () => {
  assertEquals(ours.map(([, { environment }]) => environment.APP_MODE), [
    "init-schema",
    "writer",
    "alerts",
    "web",
    "agent",
  ]);
  for (const [name, service] of Object.entries(services)) {
    if (service.image === "httpmon") {
      assertEquals(service.build, ".");
      assert(isMode(String(service.environment.APP_MODE)));
    } else assertMatch(service.image, /^[\w./-]+:\d+(\.\d+)*$/);
    for (const [source = ""] of (service.volumes ?? []).map((volume) => volume.split(":"))) {
      if (source.startsWith("./")) assert((await stat(join(ROOT, source))).isDirectory(), source);
      else assert(Object.hasOwn(compose.volumes, source), source);
    }
    // Each that goes on says how it is; the one that ends says so by its end.
    assertEquals(Object.hasOwn(service, "healthcheck"), name !== "init-schema", name);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert(services[other], `${name} waits for "${other}"`);
      if (condition === "service_healthy") assert(services[other].healthcheck, other);
    }
  }
});

Deno.test("compose.yaml's config loads in each mode and names compose.yaml's servers", () => {
  const file = join(ROOT, CONFIG_FOLDER, "config.yaml");
  for (const [name, { environment }] of ours) {
    const mode = String(environment.APP_MODE);
    assert(isMode(mode), name);
    const env = environment.POSTGRES_PASSWORD ? { POSTGRES_PASSWORD: "secret" } : {};
    const config = loadConfig(file, { mode, env });
    const { KAFKA_ADVERTISED_LISTENERS, KAFKA_LISTENERS } = services.kafka!.environment;
    if (mode !== "init-schema" && mode !== "web") {
      const [server] = config.kafka.bootstrapServers;
      assertEquals(KAFKA_ADVERTISED_LISTENERS, `PLAINTEXT://${server}`);
      assertEquals(`${KAFKA_LISTENERS}`.split(",")[0], `PLAINTEXT://:${server!.split(":")[1]}`);
    }
    if (mode !== "agent") {
      const { POSTGRES_USER, POSTGRES_DB } = services.postgres!.environment;
      assertEquals(
        config.database?.dsn,
        `postgres://${POSTGRES_USER}:secret@postgres:5432/${POSTGRES_DB}`,
      );
    }
  }
});

Deno.test("compose.yaml's health checks ask where the config has each mode listen", () => {
  const file = join(ROOT, CONFIG_FOLDER, "config.yaml");
  const { agent, writer, alerts, web } = loadConfig(file, { env: { POSTGRES_PASSWORD: "x" } });
  for (const [mode, { listen }] of Object.entries({ agent, writer, alerts, web })) {
    const { test } = services[mode]!.healthcheck as { test: string[] };
    assertMatch(test.at(-1)!, new RegExp(`http://127.0.0.1:${listen!.port}/readyz`), mode);
  }
});

Deno.test("Dockerfile pins its images, runs as a user, and declares no volume for modes that keep nothing", () => {
  const image = `node:${BUNDLED_NODE}-slim`;
  assertEquals(restsOf("FROM"), [`${image} AS build`, image]);
  assertEquals(restsOf("USER"), ["1000"]);
  assertEquals(restsOf("WORKDIR").at(-1), "/var/lib/httpmon");
  assertEquals(restsOf("VOLUME"), []);
  const [variables] = restsOf("ENV");
  assertMatch(
    variables!,
    / APP_CONFIG=\/etc\/httpmon\/config\.yaml STATE_DIRECTORY=\/var\/lib\/httpmon$/,
  );
  const config = `./${CONFIG_FOLDER}:/etc/httpmon:ro`;
  for (const [name, { volumes }] of ours) {
    assertEquals(volumes, name === "agent" ? [config, "agent:/var/lib/httpmon"] : [config]);
  }
});

Deno.test("Dockerfile's commands, in plain folders, make a program that starts by APP_MODE", async (t) => {
  await using parts = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  parts.defer(() => Deno.remove(folder, { recursive: true }));
  const context = join(folder, "context");
  const source = join(folder, "src");
  await copyContext(context);
  await mkdir(source);
  const secondStage = instructions.findLastIndex(({ name }) => name === "FROM");

  await t.step("the build stage", async () => {
    for (const { name, rest } of instructions.slice(0, secondStage)) {
      if (name === "COPY") await copy(rest.split(" "), context, source);
      // With the Deno at hand in place of npm's.
      if (name === "RUN") {
        await runDeno(rest.match(/^npx -y deno@\d+\.\d+\.\d+ (.*)$/)![1]!, source);
      }
    }
  });

  const node = await nodeBinary(BUNDLED_NODE);
  const [copied] = restsOf("COPY").slice(-1);
  const [, from, to] = copied!.match(/^--from=build \/src\/(\S+) (\S+)$/)!;
  const [program, script] = JSON.parse(restsOf("ENTRYPOINT")[0]!);
  assertEquals(program, "node");
  assertEquals(script, `${to}/${basename(script)}`);
  const command = [node, join(source, from!, basename(script))];

  await t.step("the entry point tells its version", async () => {
    const { stdout } = await new Deno.Command(command[0]!, {
      args: [command[1]!, "--version"],
      clearEnv: true,
    }).output();
    assertEquals(new TextDecoder().decode(stdout), `httpmon ${VERSION}\n`);
  });

  await t.step("the health check tells ready from not ready", async () => {
    const { test } = services.agent!.healthcheck as { test: string[] };
    assertEquals(test.slice(0, 3), ["CMD", "node", "-e"]);
    let status = 503;
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => new Response(null, { status }),
    );
    const script = test[3]!.replace(":9100", `:${server.addr.port}`);
    const code = async () =>
      (await new Deno.Command(node, { args: ["-e", script], clearEnv: true }).output()).code;
    assertEquals(await code(), 1);
    status = 200;
    assertEquals(await code(), 0);
  });

  await t.step("the entry point takes its mode and its config from the environment", async () => {
    const { dsn, drop } = await freshDatabase({ empty: true });
    parts.defer(drop);
    const config = join(folder, "config.yaml");
    await writeFile(config, JSON.stringify({ loglevel: "INFO", database: { dsn } }));
    const env = { APP_MODE: "init-schema", APP_CONFIG: config };
    await using initSchema = new Program({ command, cwd: folder, env });
    await initSchema.succeeds(60_000);
    initSchema.assertCalmLog();
  });
});

/** Copies what .dockerignore lets through; its lines are "*", "!NAME" and paths to leave out. */
async function copyContext(to: string): Promise<void> {
  const lines = (await text(".dockerignore")).split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  assertEquals(lines[0], "*");
  const left = lines.slice(1).filter((line) => !line.startsWith("!"))
    .map((line) => join(ROOT, line));
  for (const name of lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1))) {
    await cp(join(ROOT, name), join(to, name), {
      recursive: true,
      filter: (path) => !left.includes(path),
    });
  }
}

/** `COPY a b TO` of a Dockerfile. */
async function copy(paths: string[], context: string, source: string): Promise<void> {
  const to = paths.at(-1)!;
  for (const path of paths.slice(0, -1)) {
    const isFile = (await stat(join(context, path))).isFile();
    await cp(join(context, path), join(source, to, isFile ? basename(path) : ""), {
      recursive: true,
    });
  }
}

async function runDeno(command: string, cwd: string): Promise<void> {
  const args = command.split(" ");
  if (args[0] === "task") assert(TASKS[args[1]!], command);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd }).output();
  assert(code === 0, `deno ${command}\n${new TextDecoder().decode(stderr)}`);
}
