/**
 * What the schemas are made of. The text of each zod error completes the sentence "expected ...",
 * to which validate.ts adds what was found.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { bareHost } from "../runtime/host_port.ts";

/** `schema`, or `value` where the key is absent or left empty (null in YAML). */
export function withDefault<S extends z.ZodType>(schema: S, value: z.output<S>) {
  return schema.nullish().transform((given) => given ?? value);
}

/** `schema`, or null where the key is absent or left empty. */
export function optional<S extends z.ZodType>(schema: S) {
  return schema.nullish().transform((given) => given ?? null);
}

/** Each of `schemas` as optional(). */
export function optionalAll<T extends Record<string, z.ZodType>>(schemas: T) {
  return Object.fromEntries(
    Object.entries(schemas).map(([key, schema]) => [key, optional(schema)]),
  ) as { [K in keyof T]: ReturnType<typeof optional<T[K]>> };
}

/** A map with exactly these keys. */
export function strictMap<T extends z.ZodRawShape>(shape: T, what = "a map of keys") {
  return z.strictObject(shape, {
    error: (issue) => issue.code === "invalid_type" ? what : undefined,
  });
}

/** A map with exactly these keys; absent or left empty, all of them take their defaults. */
export function section<T extends z.ZodRawShape>(shape: T, what?: string) {
  const keys = strictMap(shape, what);
  return keys.nullish().transform((given) => given ?? keys.parse({}));
}

/** A map with exactly these keys, or null where it is absent or left empty. */
export function optionalSection<T extends z.ZodRawShape>(shape: T, what?: string) {
  return optional(strictMap(shape, what));
}

/** true or false. */
export function flag() {
  return z.boolean({ error: "true or false" });
}

/** on or off, as YAML 1.2 has them: texts. */
export function onOff() {
  return z.literal([true, false, "on", "off", "true", "false"], { error: "on or off" })
    .transform((given) => given === true || given === "on" || given === "true");
}

/** A number over `above` and at most `most`; `unit` is said behind it. */
export function number(above: number, most: number, unit: string) {
  const error = `a number over ${above} and at most ${most} (${unit})`;
  return z.number({ error }).gt(above, { error }).max(most, { error });
}

/** A text of a form; `what` is said of anything else. */
export function textLike(what: string, form: RegExp | ((text: string) => boolean)) {
  const any = z.string({ error: what });
  return form instanceof RegExp
    ? any.regex(form, { error: what })
    : any.refine(form, { error: what });
}

/** A token, as a header's name is (RFC 9110, 5.6.2). */
export const HTTP_TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A text that is so long at least, and has no control characters, NUL among them, in it. */
export function text(what: string, min = 1) {
  // deno-lint-ignore no-control-regex
  return textLike(what, /^[^\x00-\x1f\x7f]*$/).min(min, { error: what });
}

/** A text that `problem` gives null for, or says in whose place it is: "a regex". */
export function checked(what: string, problem: (text: string) => string | null) {
  return z.string({ error: what }).superRefine((text, ctx) => {
    const message = problem(text);
    if (message !== null) ctx.addIssue({ code: "custom", message });
  });
}

/** What `parse` makes of a value; `what` is said of one that it gives null for. */
export function parsed<S extends z.ZodType, T>(
  schema: S,
  what: string,
  parse: (given: z.output<S>) => T | null,
) {
  return schema.transform((given, ctx): T => {
    const value = parse(given);
    if (value !== null) return value;
    ctx.addIssue({ code: "custom", message: what });
    return z.NEVER;
  });
}

/** A whole number from `from` to `to` (or as far as they are exact); `unit` is said behind it. */
export function whole(from: number, to = Number.MAX_SAFE_INTEGER, unit?: string) {
  const range = to === Number.MAX_SAFE_INTEGER ? `${from} up` : `${from} to ${to}`;
  const error = `a whole number from ${range}${unit ? ` (${unit})` : ""}`;
  return z.int({ error }).min(from, { error }).max(to, { error });
}

const NETWORK = 'a network ("192.0.2.0/24", "2001:db8::/32") or an IP address';

/** Networks and addresses. */
export const networks = z.array(textLike(NETWORK, isNetwork), { error: "a list of networks" });

function isNetwork(network: string): boolean {
  const [, address, bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
  const family = isIP(address ?? "");
  return family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
}

/** One of `values`, in any case of letters. */
export function anyCase<const V extends string>(...values: readonly V[]) {
  const error = oneOf(values);
  return parsed(
    z.string({ error }).meta({ examples: [...values] }),
    error,
    (given) => values.find((value) => value.toLowerCase() === given.toLowerCase()) ?? null,
  );
}

/** "a, b or c". */
export function oneOf(values: readonly (string | number)[]): string {
  return values.join(", ").replace(/, ([^,]*)$/, " or $1");
}

/** A map with free keys; `what` is said where there is none. */
export function mapOf<K extends z.ZodType<string, string>, V extends z.ZodType>(
  what: string,
  key: K,
  value: V,
) {
  return z.record(key, value, {
    error: (issue) => issue.code === "invalid_key" ? issue.issues[0]?.message : what,
  });
}

/** mapOf() as entries; those that are left empty are left out. */
export function entries<K extends z.ZodType<string, string>, V extends z.ZodType>(
  what: string,
  key: K,
  value: V,
) {
  return mapOf(what, key, optional(value)).transform((given) =>
    Object.entries(given).filter(([, one]) => one !== null) as [
      string,
      NonNullable<z.output<V>>,
    ][]
  );
}

/** They go into each result. */
const MAX_LABELS = 32;
/** The longest text of one, and of an agent's location. */
export const MAX_TEXT = 255;
const LABEL = `a text of at most ${MAX_TEXT} characters (a number in quotes)`;
const LABEL_NAME = 'a label\'s name (at most 63 letters, digits and "_", no digit first)';

/** A map from label to text. */
export const labels = entries(
  "a map from label to text",
  textLike(LABEL_NAME, /^[A-Za-z_][A-Za-z0-9_]{0,62}$/),
  text(LABEL).max(MAX_TEXT, { error: LABEL }),
).refine((given) => given.length <= MAX_LABELS, { error: `at most ${MAX_LABELS} labels` });

const LISTEN = 'a port (9100: on this machine alone), or host:port ("0.0.0.0:9100", "[::]:9100")';
const LOOPBACK = "127.0.0.1";

/** A TCP address to serve on. */
export interface Listen {
  host: string;
  port: number;
}

/** A port number, which is served on the loopback address alone, or host:port; 0 is any free port. */
export const listen = parsed(z.unknown(), LISTEN, parseListen);

/** @returns null where `given` is neither a port nor host:port */
export function parseListen(given: unknown): Listen | null {
  const text = typeof given === "number" || typeof given === "string" ? String(given) : "";
  const match = /^(?:(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):)?(\d{1,5})$/.exec(text);
  if (!match) return null;
  const [, host = LOOPBACK, digits] = match;
  const port = Number(digits);
  if (port > 65_535 || !URL.canParse(`http://${host}`)) return null;
  return { host: bareHost(host), port };
}
