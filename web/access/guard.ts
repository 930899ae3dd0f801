import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { randomBytes } from "node:crypto";
import type { Role, WebConfig } from "../../config/types.ts";
import { isLoopback } from "../config/access.ts";
import { bareHost } from "../../runtime/host_port.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Env, Who } from "../env.ts";
import { isForProgram, problem } from "./problem.ts";
import { type Session, SESSION_MS, Sessions } from "./session.ts";
import { Doorkeeper, type Signs } from "./visitor.ts";

const COOKIE = "httpmon";
const MAX_BODY_BYTES = 65_536;
const SAFE = new Set(["GET", "HEAD"]);

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // Not "no-referrer": a form's Origin would be null then.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

const NOBODY: Who = { name: null, role: "view" };

/** Stands before the rooms: who may see what, and what no other site may make a browser do. */
export class Guard {
  readonly doorkeeper: Doorkeeper;
  readonly sessions: Sessions;
  readonly #hosts: (host: string) => boolean;
  readonly #publicHost: string | null;
  readonly #isSecure: boolean;

  constructor({ access, listen, publicUrl }: WebConfig, clock: Clock) {
    this.doorkeeper = new Doorkeeper(access);
    const key = access.secret ?? randomBytes(32);
    this.sessions = new Sessions(
      key,
      clock,
      (user) => Object.hasOwn(access.users, user) ? access.users[user]!.password : null,
    );
    const url = publicUrl === null ? null : new URL(publicUrl);
    this.#publicHost = url?.host ?? null;
    this.#isSecure = url?.protocol === "https:";
    // A name that leads to this machine, in a page from elsewhere, would be that page's own to read.
    this.#hosts = isLoopback(listen.host)
      ? (host) => host === this.#publicHost || isLoopback(nameOf(host))
      : () => true;
  }

  /** Before everything: the headers, the host, who asks, and the token of what changes something. */
  get shield(): MiddlewareHandler<Env>[] {
    return [
      async (c, next) => {
        await next();
        // Behind the rooms, so that no kind of answer goes without. (c.header would make a new response
        // for each, which took a quarter of a page's time.)
        for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
      },
      async (c, next) => {
        const host = hostOf(c);
        if (this.#hosts(host)) return await next();
        const hint = 'is not served here; name it in "web.public_url"';
        return refused(c, 421, `Host "${host.slice(0, 80)}" ${hint}`);
      },
      async (c, next) => {
        const visitor = this.doorkeeper.visitor(this.#signsOf(c));
        c.set("visitor", visitor);
        c.set("who", visitor ?? NOBODY);
        c.set("csrf", "");
        await next();
      },
      bodyLimit({
        maxSize: MAX_BODY_BYTES,
        onError: (c) => refused(c, 413, `No more than ${MAX_BODY_BYTES} bytes are read`),
      }),
      async (c, next) => {
        if (SAFE.has(c.req.method) || await this.#isOwn(c)) return await next();
        return refused(c, 403, "This form is too old, or another site's: load it again");
      },
    ];
  }

  /** Before what is not for everybody: a visitor, and for what changes something one who may. */
  get gate(): MiddlewareHandler<Env> {
    return async (c, next) => {
      const visitor = c.get("visitor");
      const needed: Role = SAFE.has(c.req.method) ? "view" : "operate";
      const isForPerson = c.req.header("accept")?.includes("text/html");
      if (visitor === null) {
        const to = new URL(c.req.url);
        if (needed === "view" && isForPerson && this.doorkeeper.hasUsers) {
          return c.redirect(`/login?to=${encodeURIComponent(to.pathname + to.search)}`, 303);
        }
        c.header("www-authenticate", "Bearer");
        return refused(c, 401, "Log in, or send a token");
      }
      if (needed === "operate" && visitor.role !== "operate") {
        return refused(c, 403, "This needs the role operate");
      }
      if (isForPerson && visitor.isAmbient) c.set("csrf", this.formToken(c));
      await next();
      const { headers } = c.res;
      if (!headers.has("cache-control")) headers.set("cache-control", "private, no-cache");
    };
  }

  /** What a form on the page that is answered sends along; with the cookie that it belongs to. */
  formToken(c: Context): string {
    let { session } = this.#signsOf(c);
    if (session === null) this.keep(c, session = this.sessions.start(null));
    return this.sessions.formToken(session);
  }

  /** Where a request comes from, for limits. */
  originOf(c: Context): string {
    return this.doorkeeper.origin(this.#signsOf(c));
  }

  /** Hands out the cookie of a session. */
  keep(c: Context, session: Session): void {
    setCookie(c, this.#cookieOf(c), this.sessions.sign(session), {
      httpOnly: true,
      sameSite: "Lax",
      secure: this.#secure(c),
      path: "/",
      maxAge: SESSION_MS / 1000,
    });
  }

  /** Takes it back. */
  forget(c: Context): void {
    deleteCookie(c, this.#cookieOf(c), { path: "/", secure: this.#secure(c) });
  }

  #signsOf(c: Context): Signs {
    const incoming = (c.env as { incoming?: { socket?: { remoteAddress?: string } } })?.incoming;
    return {
      address: incoming?.socket?.remoteAddress ?? "",
      header: (name) => c.req.header(name),
      session: this.sessions.read(getCookie(c, this.#cookieOf(c))),
    };
  }

  /** A client that says that it came by https harms only its own cookie. */
  #secure(c: Context): boolean {
    return this.#isSecure || c.req.header("x-forwarded-proto") === "https";
  }

  /** With "__Host-", no neighbour under the same domain can set it. */
  #cookieOf(c: Context): string {
    return this.#secure(c) ? `__Host-${COOKIE}` : COOKIE;
  }

  /** Whether a request comes from a page of ours, or of a program. */
  async #isOwn(c: Context<Env>): Promise<boolean> {
    if (c.get("visitor")?.isAmbient === false) return true;
    const origin = c.req.header("origin");
    const from = origin === undefined ? hostOf(c) : URL.parse(origin)?.host;
    if (from === undefined || from !== hostOf(c) && from !== this.#publicHost) return false;
    const { session } = this.#signsOf(c);
    return session !== null && this.sessions.isFormToken(session, await tokenIn(c));
  }
}

function hostOf(c: Context): string {
  return c.req.header("host") ?? "";
}

/** The name in a Host header, without its port and brackets. */
function nameOf(host: string): string {
  return bareHost(host.replace(/:\d+$/, ""));
}

async function tokenIn(c: Context): Promise<unknown> {
  const header = c.req.header("x-csrf-token");
  if (header !== undefined) return header;
  const type = c.req.header("content-type") ?? "";
  return /form/.test(type) ? (await c.req.parseBody()).csrf : undefined;
}

/** As a problem for programs, as a line for people. */
export function refused(c: Context, status: 401 | 403 | 413 | 421 | 429, detail: string): Response {
  if (isForProgram(c)) return problem(c, status, detail);
  return c.text(`${detail}\n`, status);
}
