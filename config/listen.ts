import { z } from "zod";
import type { Listen } from "./types.ts";

const WHAT = 'a port (9100: on this machine alone), or host:port ("0.0.0.0:9100", "[::]:9100")';
const LOOPBACK = "127.0.0.1";

/** A port number, which is served on the loopback address alone, or host:port; 0 is any free port. */
export const listen = z.unknown().transform((given, ctx) => {
  const parsed = parseListen(given);
  if (parsed !== null) return parsed;
  ctx.addIssue({ code: "custom", message: WHAT });
  return z.NEVER;
});

/** @returns null where `given` is neither a port nor host:port */
export function parseListen(given: unknown): Listen | null {
  const text = typeof given === "number" || typeof given === "string" ? String(given) : "";
  const match = /^(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):)?(\d{1,5})$/.exec(text);
  if (!match) return null;
  const [, host = LOOPBACK, digits] = match;
  const port = Number(digits);
  if (port > 65_535 || !URL.canParse(`http://${host}`)) return null;
  return { host: host.replace(/^\[|\]$/g, ""), port };
}
