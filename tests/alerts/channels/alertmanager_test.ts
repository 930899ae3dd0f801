import { assertEquals } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertmanager, toAlert } from "../../../alerts/channels/alertmanager.ts";
import { freePort } from "../../../local/ports.ts";
import { startProcess } from "../../../local/process.ts";
import { waitFor } from "../../../local/wait.ts";
import { incident, message, NOW, several } from "../message/samples.ts";
import { schemaOf, startHttp } from "./http_receiver.ts";

const DEPS = { fetch, nowMs: NOW, timeoutMs: 60_000 };

Deno.test("alertmanager posts what API v2 takes, an alert an incident", async () => {
  await using server = await startHttp(() => ({ status: 200 }), schemaOf("alertmanager"));
  const channel = { type: "alertmanager" as const, url: `${server.url}/` };
  await alertmanager.send(message(), channel, DEPS);
  await alertmanager.send(message({ event: "resolved" }), channel, DEPS);
  await alertmanager.send(message({ incidents: several(1_200) }), channel, DEPS);
  assertEquals(server.requests.map(({ method, path }) => `${method} ${path}`), [
    ...Array(5).fill("POST /api/v2/alerts"),
  ]);
  assertEquals(server.requests.map(({ body }) => body.length), [1, 1, 500, 500, 200]);
  const [[opened], [resolved]] = server.requests.map(({ body }) => body);
  assertEquals(opened.labels, {
    alertname: "HttpmonDown",
    group: "web",
    instance: "https://shop.example/shop",
    kind: "down",
    severity: "critical",
    site: "shop",
  });
  assertEquals(opened.annotations.summary, "shop is down: status 503");
  assertEquals([opened.startsAt, opened.endsAt], [
    "2026-05-01T10:03:00.000123Z",
    "2026-05-01T10:10:00.000Z",
  ]);
  // By the labels it is known, and now it is over.
  assertEquals(resolved.labels, opened.labels);
  assertEquals(resolved.endsAt, "2026-05-01T10:04:30.5Z");
});

Deno.test("alertmanager tells each of a cluster, and is content with one that takes it", async () => {
  await using one = await startHttp(() => ({ status: 503 }));
  await using other = await startHttp();
  const channel = { type: "alertmanager" as const, url: [one.url, other.url] };
  await alertmanager.send(message(), channel, DEPS);
  assertEquals([one.requests.length, other.requests.length], [1, 1]);
});

/** Debian's package has it under the longer name. */
async function findAlertmanager(): Promise<string | null> {
  for (const name of ["alertmanager", "prometheus-alertmanager"]) {
    try {
      if ((await new Deno.Command(name, { args: ["--version"] }).output()).success) return name;
    } catch {
      // Not this one.
    }
  }
  return null;
}

Deno.test("a real Alertmanager keeps an alert until it is told that it is over", async () => {
  const program = await findAlertmanager();
  if (program === null) {
    console.log("  there is no Alertmanager here");
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "httpmon-alertmanager-"));
  await using webhook = await startHttp();
  const config = join(folder, "alertmanager.yml");
  await writeFile(
    config,
    `route: { receiver: hook, group_by: [site], group_wait: 0s, group_interval: 1s }
receivers:
  - name: hook
    webhook_configs: [{ url: "${webhook.url}", send_resolved: true }]
`,
  );
  const port = await freePort();
  const server = await startProcess([
    program,
    `--config.file=${config}`,
    `--storage.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--cluster.listen-address=",
  ], { log: join(folder, "log") });
  try {
    const url = `http://127.0.0.1:${port}`;
    await waitFor("it is ready", async () => {
      try {
        return (await fetch(`${url}/-/ready`)).ok;
      } catch {
        return false;
      }
    }, 30_000);
    const channel = { type: "alertmanager" as const, url };
    const now = Date.now();
    const deps = { ...DEPS, nowMs: now };
    const openedAt = new Date(now - 60_000).toISOString();
    const open = incident({ openedAt });
    await alertmanager.send(message({ incidents: [open] }), channel, deps);
    await alertmanager.keepAlive!([open], channel, { ...deps, nowMs: now + 60_000 });
    const [alert] = await (await fetch(`${url}/api/v2/alerts`)).json();
    assertEquals(alert.labels, toAlert(open, now).labels);
    assertEquals(Date.parse(alert.endsAt), now + 60_000 + 300_000);
    const statuses = () => webhook.requests.map(({ body }) => body.status);
    await waitFor("it fires", () => statuses().includes("firing"), 30_000);

    const closedAt = new Date(now).toISOString();
    const over = message({ event: "resolved", incidents: [{ ...open, closedAt }] });
    await alertmanager.send(over, channel, deps);
    await waitFor("it is over", () => statuses().includes("resolved"), 30_000);
    assertEquals(await (await fetch(`${url}/api/v2/alerts`)).json(), []);
  } finally {
    await server.stop("SIGKILL", 0);
    await rm(folder, { recursive: true, force: true });
  }
});
