import { assertEquals } from "@std/assert";

/** The lines that `code` logs by a `log` of its own, without the time. */
async function logged(code: string): Promise<Record<string, unknown>[]> {
  const module = new URL("../../../runtime/log/log.ts", import.meta.url).href;
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import { createLogger } from ${JSON.stringify(module)};\n${code}`],
    cwd: new URL("../../../", import.meta.url),
    stdout: "null",
  }).output();
  return new TextDecoder().decode(stderr).trimEnd().split("\n").map((line) => {
    const { time: _, ...rest } = JSON.parse(line);
    return rest;
  });
}

Deno.test("createLogger() keeps secrets out of every text of a line", async () => {
  const lines = await logged(`
    const secrets = [{ value: "s3cret", name: "\${A}" }, { value: "s3cret\\"long", name: "\${B}" }];
    const log = createLogger({ loglevel: "INFO", secrets }, "agent");
    log.info({ url: "http://a/?k=s3cret", list: [{ deep: 's3cret"long' }], s3cret: 1 }, "say s3cret");
    log.child({ part: "x" }).error({ error: new Error("no s3cret") }, "failed");
    log.error({ a: 1 }, "plain");
    log.debug({}, "s3cret");
  `);
  const [info, failed, plain, ...others] = lines;
  assertEquals(info, {
    level: "info",
    mode: "agent",
    url: "http://a/?k=${A}",
    list: [{ deep: "${B}" }],
    s3cret: 1,
    msg: "say ${A}",
  });
  const { error, ...rest } = failed as { error: { message: string } };
  assertEquals([error.message, rest as unknown], [
    "no ${A}",
    { level: "error", mode: "agent", part: "x", msg: "failed" },
  ]);
  assertEquals(plain, { level: "error", mode: "agent", a: 1, msg: "plain" });
  assertEquals(others, []);
});

Deno.test("createLogger().takeOver() keeps out what a new config has, and still what those of the start and before had", async () => {
  const lines = await logged(`
    const log = createLogger({ loglevel: "INFO", secrets: [{ value: "first", name: "\${A}" }] }, "agent");
    const part = log.child({});
    const hide = (secrets) => log.takeOver({ loglevel: "INFO", secrets });
    const tell = () => part.info({}, "first second third fourth");
    tell();
    hide([{ value: "second", name: "\${B}" }]);
    tell();
    hide([{ value: "third", name: "\${C}" }]);
    tell();
    hide([{ value: "fourth", name: "\${D}" }]);
    tell();
  `);
  assertEquals(lines.map(({ msg }) => msg), [
    "${A} second third fourth",
    "${A} ${B} third fourth",
    "${A} ${B} ${C} fourth",
    "${A} second ${C} ${D}",
  ]);
});

Deno.test("createLogger() tells notices at the default level, and hides them at CRITICAL only", async () => {
  const lines = await logged(`
    const log = createLogger({ loglevel: "ERROR", secrets: [] }, "agent");
    log.info({}, "hidden");
    log.notice({}, "told");
    log.takeOver({ loglevel: "CRITICAL", secrets: [] });
    log.notice({}, "hidden");
    log.takeOver({ loglevel: "INFO", secrets: [] });
    log.info({}, "told now");
  `);
  assertEquals(lines.map(({ level, msg }) => [level, msg]), [
    ["notice", "told"],
    ["info", "told now"],
  ]);
});
