import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decode } from "../../../wire/decode.ts";
import { startHostileServer, withLength } from "../../support/hostile_server.ts";
import { denoEnv, taskCommand } from "../../support/program/task_command.ts";
import { withFolder } from "../support.ts";

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `httpmon check` as the task does, in `cwd`. */
async function httpmonCheck(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const [file, ...given] = taskCommand("httpmon");
  const { code, stdout, stderr } = await new Deno.Command(file!, {
    args: [...given, "check", ...args],
    cwd,
    env: { ...denoEnv(), ...env },
    clearEnv: true,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("check URL needs no config, and shows what was seen", async () => {
  const server = await startHostileServer();
  await withFolder(async (folder) => {
    const up = await httpmonCheck(folder, [server.url("/fine")]);
    assertEquals([up.code, up.stderr], [0, ""]);
    assertMatch(
      up.stdout,
      /^http:\/\/127\.0\.0\.1:\d+\/fine\nUP {2}· {2}200 in [\d.]+ ms, 5 bytes\n/,
    );
    assertStringIncludes(up.stdout, "first byte");
    const down = await httpmonCheck(folder, [server.url("/status-500")]);
    assertEquals([down.code, down.stderr], [1, ""]);
    assertStringIncludes(down.stdout, "✗ status  expected 200, found 500");
    assertEquals(server.requests.length, 2);
  });
  await server.close();
});

Deno.test("check --json prints the record on one line, as the wire has it", async () => {
  const server = await startHostileServer();
  await withFolder(async (folder) => {
    const { code, stdout, stderr } = await httpmonCheck(folder, [server.url("/fine"), "--json"]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout.trimEnd().includes("\n"), false);
    const decoded = decode(new TextEncoder().encode(stdout.trimEnd()));
    assert(decoded.ok, JSON.stringify(decoded));
    const { message } = decoded;
    assertEquals([message.verdict, message.responseCode, message.bodyBytes], ["up", 200, 5]);
    assertEquals(message.agentUUID, "00000000-0000-0000-0000-000000000000");
    assertEquals(JSON.parse(stdout), message);
  });
  await server.close();
});

Deno.test("check takes a site's settings from the config, by its name and by its URL", async () => {
  const server = await startHostileServer({
    answers: {
      fine: (socket) => socket.end(withLength("hello")),
      // Far more than is asked for, and than the check itself may stand still, which would excuse it.
      slow: (socket) => setTimeout(() => socket.end(withLength("hello")), 1_000),
    },
  });
  await withFolder(async (folder) => {
    const yaml = `
agent:
  location: desk
  labels: {team: web}
defaults:
  degraded_response_time_ms: 5
websites:
  front page:
    url: ${server.url("/fine")}
    regex: absent
    user_agent: from-config
`;
    await writeFile(join(folder, "my.yaml"), yaml);
    for (const target of ["front page", server.url("/fine")]) {
      const { code, stdout } = await httpmonCheck(folder, [target, "-c", "my.yaml", "--json"]);
      const { verdict, reason, site, location, labels, evidence } = JSON.parse(stdout);
      assertEquals([code, verdict, reason], [1, "down", "regex"]);
      assertEquals([site, location, labels], ["front page", "desk", { team: "web" }]);
      assertEquals(evidence.body, "hello");
      assertMatch(server.requests.at(-1)!, /^user-agent: from-config\r$/im);
    }
    const other = await httpmonCheck(folder, [server.url("/slow"), "-c", "my.yaml", "--json"]);
    const { verdict, reason, labels } = JSON.parse(other.stdout);
    assertEquals([other.code, verdict, reason], [0, "degraded", "degraded_response_time_ms"]);
    assertEquals(labels, { team: "web" });
  });
  await server.close();
});

Deno.test("check of what is neither a site nor a URL is wrong usage", async () => {
  await withFolder(async (folder) => {
    const { code, stdout, stderr } = await httpmonCheck(folder, ["front page"]);
    assertEquals([code, stdout], [2, ""]);
    assertEquals(
      stderr,
      'httpmon: No site is named "front page", as "config/config.yaml" has no sites or is not ' +
        "there; name a config with -c, or give a URL\n",
    );
    const missing = await httpmonCheck(folder, ["http://127.0.0.1:1/", "-c", "absent.yaml"]);
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.stderr, "absent.yaml");
  });
});

Deno.test("check takes several targets, options as curl's, and says what went over the wire", async () => {
  const server = await startHostileServer();
  await withFolder(async (folder) => {
    await writeFile(
      join(folder, "my.yaml"),
      `websites: {named: {url: "${server.url("/fine")}?key=${"${KEY}"}", enabled: false}}`,
    );
    const env = { KEY: "url-s3cret" };
    const args = [
      "-c",
      "my.yaml",
      "-v",
      "-H",
      "X-Api-Key: s3cret-key",
      "-X",
      "PUT",
      "-d",
      "s3cret",
    ];
    const { code, stdout, stderr } = await httpmonCheck(
      folder,
      [...args, "named", server.url("/status-500")],
      env,
    );
    assertEquals([code, stderr], [1, ""]);
    assertMatch(server.requests[0]!, /^PUT \/fine\?key=url-s3cret HTTP.*x-api-key: s3cret-key\r/is);
    assertStringIncludes(stdout, "\nUP  ·  200 in ");
    assertStringIncludes(stdout, "\nDOWN  status  ·  500 in ");
    assertMatch(stdout, /PUT \/fine\?key=\$\{KEY\} HTTP\/1.1\n {2}Host: 127/);
    assertStringIncludes(stdout, "  X-Api-Key: (hidden)\n");
    assertMatch(stdout, /Response head\n {2}HTTP\/1.1 200 OK\n {2}content-length: 5/i);
    assert(!stdout.includes("s3cret"), stdout);
    const repeated = await httpmonCheck(folder, [server.url("/fine"), "--repeat", "3"]);
    assertMatch(repeated.stdout, /3 checks: 3 UP\n[^]*median[^]*first byte/);
    assertEquals(server.requests.length, 5);
  });
  await server.close();
});
