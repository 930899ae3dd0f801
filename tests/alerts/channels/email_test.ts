import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { email } from "../../../alerts/channels/email.ts";
import { SendError } from "../../../alerts/channels/kind.ts";
import { ALL, message, NOW } from "../message/samples.ts";
import { startSmtp } from "./smtp_server.ts";

const DEPS = { fetch, nowMs: NOW, timeoutMs: 60_000 };

type EmailChannel = Parameters<typeof email.send>[1];

function channelAt(
  { port, ca }: { port: number; ca: string },
  more: Partial<EmailChannel> = {},
): EmailChannel {
  return {
    type: "email",
    host: "localhost",
    port,
    ca,
    username: "ops",
    password: "correct horse",
    from: "httpmon <httpmon@mon.example>",
    to: ["one@example.com", "Two <two@example.com>"],
    ...more,
  };
}

Deno.test("email sends by STARTTLS, as one thread an incident", async () => {
  await using server = await startSmtp();
  const channel = channelAt(server);
  assertEquals(await email.send(message(), channel, DEPS), "250 queued as 1");
  await email.send(ALL.acknowledged!, channel, DEPS);
  await email.send(ALL.resolved!, channel, DEPS);
  // Once more, as its answer was lost.
  await email.send(ALL.resolved!, channel, DEPS);

  const [opened, acknowledged, resolved, again] = server.mails;
  assert(server.mails.every(({ isSecure, user }) => isSecure && user === "ops"));
  assertEquals([opened!.from, ...opened!.to], [
    "httpmon@mon.example",
    "one@example.com",
    "two@example.com",
  ]);
  assertEquals(opened!.headers["message-id"], "<key-1@mon.example>");
  assertEquals([opened!.headers["in-reply-to"], opened!.headers.references], [
    undefined,
    undefined,
  ]);
  for (const reply of [acknowledged, resolved, again]) {
    assertEquals(reply!.headers["message-id"], "<key-2@mon.example>");
    assertEquals(reply!.headers["in-reply-to"], "<key-1@mon.example>");
    assertEquals(reply!.headers.references, "<key-1@mon.example>");
    assertEquals(reply!.headers.subject, `Re: ${opened!.headers.subject}`);
  }
  assertEquals(opened!.headers.subject, "shop is down: status 503");
  assertEquals(opened!.headers["auto-submitted"], "auto-generated");
  assertStringIncludes(resolved!.body, "shop is up again after 3 min 30 s");
});

Deno.test("email that tells opening and end in one begins a thread", async () => {
  await using server = await startSmtp();
  await email.send(ALL.both!, channelAt(server), DEPS);
  const [mail] = server.mails;
  assertEquals(mail!.headers["in-reply-to"], undefined);
  assertEquals(mail!.headers.subject, "shop was down for 3 min 30 s, and is up again: status 503");
});

Deno.test("email takes what a site said for text", async () => {
  await using server = await startSmtp();
  await email.send(ALL.hostile!, channelAt(server), DEPS);
  await email.send(ALL.many!, channelAt(server), DEPS);
  const [hostile, many] = server.mails;
  const [plain, html] = hostile!.body.split("text/html");
  assertStringIncludes(plain!, "<script>");
  assert(!html!.includes("<script>"));
  assertStringIncludes(html!, "&lt;script&gt;");
  assertEquals(many!.headers.subject, "10,000 sites of shop.example are down: status 503");
  assert(many!.body.length < 20_000);
});

Deno.test("email sends nothing where STARTTLS is not offered, or the certificate is not trusted", async () => {
  await using server = await startSmtp();
  await using plain = await startSmtp({ hasStartTls: false });
  for (const channel of [channelAt(server, { ca: null }), channelAt(plain)]) {
    const error = await assertRejects(() => email.send(message(), channel, DEPS), SendError);
    assert(/certificate|unknown|STARTTLS/i.test(error.message), error.message);
    assertEquals(error.isRefused, false);
  }
  assertEquals([...server.mails, ...plain.mails], []);
});

Deno.test("email says what was refused: the login is the channel's trouble, a recipient is not", async () => {
  await using server = await startSmtp({ refuse: (to) => to.startsWith("two") ? null : 550 });
  const login = await assertRejects(
    () => email.send(message(), channelAt(server, { password: "wrong horse" }), DEPS),
    SendError,
  );
  assertEquals(login.isRefused, false);
  assertStringIncludes(login.message, "535");
  const recipient = await assertRejects(
    () => email.send(message(), channelAt(server, { to: "one@example.com" }), DEPS),
    SendError,
  );
  assertEquals(recipient.isRefused, true);
  assertStringIncludes(recipient.message, "550");
});

Deno.test("email sends over TLS from the start, and in the clear where it is said", async () => {
  await using secure = await startSmtp({ isSecure: true });
  await email.send(message(), channelAt(secure, { security: "tls" }), DEPS);
  assertEquals(secure.mails.map(({ isSecure }) => isSecure), [true]);
  await using plain = await startSmtp();
  const channel = channelAt(plain, { security: "none", ca: null, username: null, password: null });
  await email.send(message(), channel, DEPS);
  assertEquals(plain.mails.map(({ isSecure }) => isSecure), [false]);
});
