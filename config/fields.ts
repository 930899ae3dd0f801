/**
 * What the schemas are made of. The text of each zod error completes the sentence "expected ...",
 * to which validate.ts adds what was found.
 */
import { isIP } from "node:net";
import { z } from "zod";

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

/** A text that is not empty and has no control characters, NUL among them, in it. */
export function text(what: string) {
  // deno-lint-ignore no-control-regex
  return z.string({ error: what }).regex(/^[^\x00-\x1f\x7f]+$/, { error: what });
}

/** A text that a form or a header can hold: so long at least, without control characters. */
export function plain(what: string, min = 1) {
  // deno-lint-ignore no-control-regex
  return z.string({ error: what }).min(min, { error: what }).regex(/^[^\x00-\x1f\x7f]*$/, {
    error: what,
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
export const networks = z.array(z.string().refine(isNetwork, { error: NETWORK }), {
  error: "a list of networks",
});

function isNetwork(network: string): boolean {
  const [, address, bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
  const family = isIP(address ?? "");
  return family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
}

/** One of `values`, in any case of letters. */
export function anyCase<const V extends string>(...values: readonly V[]) {
  const error = oneOf(values);
  return z.string({ error }).meta({ examples: [...values] }).transform((given, ctx) => {
    const found = values.find((value) => value.toLowerCase() === given.toLowerCase());
    if (found !== undefined) return found;
    ctx.addIssue({ code: "custom", message: error });
    return z.NEVER;
  });
}

/** "a, b or c". */
export function oneOf(values: readonly (string | number)[]): string {
  return values.join(", ").replace(/, ([^,]*)$/, " or $1");
}
