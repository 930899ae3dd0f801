import { type Context, Hono } from "hono";
import type { Env, WebDeps } from "../env.ts";
import { bare } from "../pages/bare.tsx";
import { type Guard, refused } from "./guard.ts";
import { isPassword, NOBODY } from "./password.ts";
import { Tries } from "./tries.ts";

/** Each takes 32 MiB and a core. */
const MAX_AT_ONCE = 2;

/** Logging in and out by name and password. */
export function loginRoom(
  guard: Guard,
  { config: { web }, clock, log }: Pick<WebDeps, "config" | "clock" | "log">,
): Hono<Env> {
  const room = new Hono<Env>();
  const { users } = web.access;
  if (Object.keys(users).length === 0) return room;
  const tries = new Tries(clock);
  let underWay = 0;

  room.get("/login", (c) => c.html(loginPage(pageOf(c))));
  room.post("/login", async (c) => {
    const { name, password, to } = await c.req.parseBody();
    if (typeof name !== "string" || typeof password !== "string") {
      return refused(c, 403, "A name and a password are needed");
    }
    const address = guard.originOf(c);
    const wait = underWay >= MAX_AT_ONCE ? 1 : tries.take(address);
    if (wait > 0) {
      c.header("retry-after", String(wait));
      return refused(c, 429, `Too many tries: wait ${wait} s`);
    }
    underWay++;
    const known = Object.hasOwn(users, name) ? users[name]! : null;
    const isRight = await isPassword(password, known?.password ?? NOBODY).finally(() => underWay--);
    if (known === null || !isRight) {
      // A name that is not there may be a password that was typed in the wrong place.
      log.warn({ address, ...(known && { user: name }) }, "Somebody failed to log in");
      return c.html(loginPage({ ...pageOf(c), to: placeIn(to), hasFailed: true }), 401);
    }
    tries.forget(address);
    guard.keep(c, guard.sessions.start(name));
    return c.redirect(placeIn(to), 303);
  });
  room.post("/logout", (c) => {
    guard.forget(c);
    return c.redirect("/login", 303);
  });
  return room;

  function pageOf(c: Context<Env>) {
    return { title: web.title, token: guard.formToken(c), to: placeIn(c.req.query("to")) };
  }
}

/** A path of ours; "//" and "/\" would lead to another host. */
function placeIn(to: unknown): string {
  return typeof to === "string" && /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : "/";
}

interface LoginPage {
  title: string;
  token: string;
  to: string;
  hasFailed?: boolean;
}

function loginPage({ title, token, to, hasFailed = false }: LoginPage) {
  return bare(
    title,
    <main class="narrow">
      <h1>{title}</h1>
      <form method="post" action="/login" class="login">
        <input type="hidden" name="csrf" value={token} />
        <input type="hidden" name="to" value={to} />
        {hasFailed && <p role="alert">The name or the password is wrong.</p>}
        <label>
          Name
          <input name="name" autocomplete="username" required autofocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <button type="submit">Log in</button>
      </form>
    </main>,
  );
}
