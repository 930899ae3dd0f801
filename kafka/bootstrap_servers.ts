import { z } from "zod";

const DEFAULT_PORT = 9092;
const WHAT = 'host:port of each broker ("kafka1:9092,kafka2:9092", or a list)';
const WHAT_ONE = 'host:port ("kafka1:9092", "[::1]:9092"; the port may be left out, 9092)';

/** A text with commas, or a list; gives host:port each, the port filled in where it is missing. */
export const bootstrapServers = z.union([
  z.string(),
  // Items of any kind, as a union that fails says nothing of the place in the list.
  z.array(z.unknown()).nonempty({ error: WHAT }),
], { error: WHAT }).transform((given, ctx) =>
  (typeof given === "string" ? given.split(",") : given).map((item, i) => {
    const server = typeof item === "string" ? parseServer(item.trim()) : null;
    if (server !== null) return server;
    ctx.addIssue({
      code: "custom",
      message: WHAT_ONE,
      path: typeof given === "string" ? [] : [i],
    });
    return z.NEVER;
  })
);

/**
 * "host", "host:port", "[ipv6]" or "[ipv6]:port" as host:port, the brackets kept.
 *
 * @returns null where the text is none of them
 */
export function parseServer(text: string): string | null {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text);
  if (!match) return null;
  const host = match[1]!;
  const port = Number(match[2] ?? DEFAULT_PORT);
  if (port < 1 || port > 65_535) return null;
  if (host.startsWith("[") && !URL.canParse(`http://${host}`)) return null;
  return `${host}:${port}`;
}
