import { assertEquals } from "@std/assert";
import { SESSION_MS, Sessions } from "../../../web/access/session.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const passwords: Record<string, string> = { ada: "hash of one" };
const passwordOf = (user: string) => passwords[user] ?? null;

Deno.test("Sessions.read() knows what was signed with the same key, until it is over", async () => {
  const clock = new FakeClock();
  const sessions = new Sessions("key", clock, passwordOf);
  for (const user of ["ada", null]) {
    const session = sessions.start(user);
    const cookie = sessions.sign(session);
    assertEquals(new Sessions("key", clock, passwordOf).read(cookie), session);
    assertEquals(new Sessions("other", clock, passwordOf).read(cookie), null);
  }
  const cookie = sessions.sign(sessions.start("ada"));
  await clock.advance(SESSION_MS - 1);
  assertEquals(sessions.read(cookie)?.user, "ada");
  await clock.advance(1);
  assertEquals(sessions.read(cookie), null);
});

Deno.test("Sessions.read() knows nothing that was changed", () => {
  const sessions = new Sessions("key", new FakeClock(), passwordOf);
  const [text, mac] = sessions.sign(sessions.start(null)).split(".") as [string, string];
  const forged = btoa(JSON.stringify(["id", "ada", 9e15]));
  const wrong = [undefined, "", ".", text, `${text}.`, `.${mac}`, `${forged}.${mac}`, "a.b", "%"];
  for (const cookie of [...wrong, `${text}.${mac.slice(1)}`, "x".repeat(5_000)]) {
    assertEquals(sessions.read(cookie), null, cookie);
  }
});

Deno.test("Sessions.read() ends a session with its user's password", () => {
  const known = { ...passwords };
  const sessions = new Sessions("key", new FakeClock(), (user) => known[user] ?? null);
  const session = sessions.start("ada");
  const [cookie, token] = [sessions.sign(session), sessions.formToken(session)];
  known.ada = "hash of another";
  assertEquals(sessions.read(cookie), null);
  assertEquals(sessions.isFormToken(session, token), false);
  delete known.ada;
  assertEquals(sessions.read(cookie), null);
});

Deno.test("Sessions.isFormToken() takes the token of that session alone", () => {
  const sessions = new Sessions("key", new FakeClock(), passwordOf);
  const [one, other] = [sessions.start(null), sessions.start(null)];
  assertEquals(sessions.isFormToken(one, sessions.formToken(one)), true);
  for (const token of [sessions.formToken(other), "", undefined, 1, one.id]) {
    assertEquals(sessions.isFormToken(one, token), false);
  }
});
