import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { mergeHeaders, toRequest } from "../../config/site/site_request.ts";
import { quote } from "../../config/say/show.ts";
import { settingsSchema } from "../../config/site/site.ts";
import type { Site } from "../../config/types.ts";
import type { CheckOptions } from "../../runtime/cli/options.ts";
import { bareHost } from "../../runtime/host_port.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";

const FORM = "application/x-www-form-urlencoded";

/**
 * The site as the options of mode "check" have it asked; they mean what they mean to curl.
 *
 * @param cwd Where the person stood: the file of `-d @FILE` is from there
 * @throws {UsageError} For a value that the config would refuse, too
 */
export function withOptions(site: Site, options: CheckOptions, cwd: string): Site {
  const { insecure, ipv4, ipv6, timeout, request: method, data } = options;
  const headers = options.header.map(headerOf);
  const addresses = options.resolve.map(addressOf);
  const { request } = site;
  const body = data === null ? request.body : bodyOf(data, cwd);
  const removed = new Set(
    headers.filter(([, value]) => value === "").map(([name]) => name.toLowerCase()),
  );
  const sent = headers.filter(([, value]) => value !== "");
  const own = data === null || removed.has("content-type") ? [] : [["Content-Type", FORM] as const];
  const asked = {
    headers: mergeHeaders(own, mergeHeaders(request.headers, sent))
      .filter(([name]) => !removed.has(name.toLowerCase())),
    method: method ??
      (data !== null && /^(?:GET|HEAD)$/.test(request.method) ? "POST" : request.method),
    ipVersion: ipv4 ? "4" as const : ipv6 ? "6" as const : request.ipVersion,
  };
  const checked = settingsSchema.safeParse({
    method: asked.method,
    headers: Object.fromEntries(sent),
    resolve: Object.fromEntries(addresses),
  });
  if (!checked.success) {
    const { path, message } = checked.error.issues[0]!;
    const value = path.length > 1 ? quote(String(path[1])) : quote(asked.method);
    throw new UsageError(`Option ${OPTION[String(path[0])]}: expected ${message}, found ${value}`);
  }
  const { ca = null, cert = null, key = null, serverName = null } = request.tls ?? {};
  return {
    ...site,
    ...(timeout !== null && { timeoutMs: Math.max(1, Math.round(timeout * 1_000)) }),
    request: {
      ...request,
      ...asked,
      method: toRequest(checked.data, { headers: [], body: null, tls: null }).method,
      body: body?.length === 0 ? null : body,
      resolve: { ...request.resolve, ...Object.fromEntries(checked.data.resolve ?? []) },
      ...(insecure && { tls: { ca, cert, key, serverName, insecure } }),
    },
  };
}

/** The option that a setting comes from. */
const OPTION: Readonly<Record<string, string>> = {
  method: '"-X"',
  headers: '"-H"',
  resolve: '"--resolve"',
};

function headerOf(line: string): [name: string, value: string] {
  const at = line.indexOf(":");
  if (at < 1) throw new UsageError(`Option "-H" needs "Name: value", found ${quote(line)}`);
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}

/** "host:port:address" as curl has it, the port for all, or "host:address". */
function addressOf(text: string): [host: string, address: string] {
  const [, host, address] = /^([^:]+)(?::\d+)?:(\[?[\d.:a-f]*[.:][\d.:a-f]*\]?)$/i.exec(text) ?? [];
  if (!host || !address) {
    throw new UsageError(`Option "--resolve" needs "HOST:ADDR", found ${quote(text)}`);
  }
  return [host, bareHost(address)];
}

function bodyOf(data: string, cwd: string): Uint8Array {
  if (!data.startsWith("@")) return new TextEncoder().encode(data);
  try {
    return new Uint8Array(readFileSync(resolve(cwd, data.slice(1))));
  } catch (error) {
    const { code = "it cannot be read" } = error as NodeJS.ErrnoException;
    throw new UsageError(`Option "-d": no file ${quote(data.slice(1))} (${code})`);
  }
}
