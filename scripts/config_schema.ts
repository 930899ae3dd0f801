/**
 * Writes config/config.schema.json, the JSON Schema by which an editor completes and explains a config,
 * and docs/config.md: made of the schema in config/, and of the comments in config/config.sample.yaml.
 */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { configSchema } from "../config/schema.ts";
import { childOf, isMapSchema, keysOf } from "../config/say/schema_tree.ts";
import { ROOT } from "./build/project.ts";
import { configDoc, DOC_FILE } from "./config_doc.ts";

export const SCHEMA_FILE = `${ROOT}config/config.schema.json`;
const SAMPLE_FILE = `${ROOT}config/config.sample.yaml`;

type Json = Record<string, unknown>;

/** What a value from the environment looks like, whatever its key needs. */
const FROM_ENVIRONMENT = { type: "string", pattern: "\\$\\{" };

/** The file's content. */
export function configSchemaJson(): string {
  const schema = z.toJSONSchema(configSchema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    reused: "inline",
  }) as Json;
  const whole = asWritten(schema, commentsOf(Deno.readTextFileSync(SAMPLE_FILE)), []);
  const $schema = "http://json-schema.org/draft-07/schema#";
  const titled = { $schema, title: "The config of httpmon", ...withReferences(whole) };
  return `${JSON.stringify(titled, null, 1)}\n`;
}

/** The settings of sites and templates as references to those of `defaults`, which are the same. */
function withReferences(whole: Json): Json {
  const SETTINGS = ["properties", "defaults", "anyOf", "0", "properties"];
  const at = (value: unknown, path: readonly string[]) =>
    path.reduce((value, key) => (value as Json)[key], value) as Json;
  const settings = at(whole, SETTINGS);
  for (const section of ["websites", "templates"]) {
    const path = ["properties", section, "anyOf", "0", "additionalProperties", "anyOf", "0"];
    const properties = at(whole, [...path, "properties"]);
    for (const key of Object.keys(properties)) {
      if (isDeepStrictEqual(properties[key], settings[key])) {
        properties[key] = { $ref: `#/${SETTINGS.join("/")}/${key}` };
      }
    }
  }
  return whole;
}

/**
 * A schema of values as that of what the YAML may have: a key that is left empty, ${NAME}, and
 * `<key>_file`.
 */
function asWritten(schema: Json, comments: ReadonlyMap<string, string>, path: string[]): Json {
  const alternatives = alternativesIn(schema).flatMap((one): Json[] => {
    const {
      type,
      properties,
      additionalProperties,
      items,
      required: _,
      default: __,
      propertyNames: ___,
      ...rest
    } = one as Json & {
      properties?: Record<string, Json>;
      additionalProperties?: Json | false;
      items?: Json;
    };
    if (type === "null") return [];
    return [{
      ...(type !== undefined && { type }),
      ...rest,
      ...(properties && {
        properties: Object.fromEntries(
          Object.entries(properties).flatMap(([key, child]) =>
            keyAndFile(key, child, properties, comments, path)
          ),
        ),
        additionalProperties: false,
      }),
      ...(additionalProperties && {
        additionalProperties: asWritten(additionalProperties, comments, [...path, "*"]),
      }),
      ...(items && { items: asWritten(items, comments, [...path, "*"]) }),
    }];
  });
  if (path.length === 0) return alternatives[0]!;
  if (alternatives.some((one) => Object.keys(one).length === 0)) return {};
  const needsVariable = !alternatives.some(({ type, pattern }) => type === "string" && !pattern);
  return {
    anyOf: [...alternatives, ...(needsVariable ? [FROM_ENVIRONMENT] : []), { type: "null" }],
  };
}

function alternativesIn(schema: Json): Json[] {
  const { anyOf, oneOf = anyOf, type, ...rest } = schema as
    & Json
    & Record<"anyOf" | "oneOf", Json[]>;
  if (oneOf) return oneOf.flatMap(alternativesIn);
  return [type].flat().map((type) => ({ ...(type !== undefined && { type }), ...rest }));
}

function keyAndFile(
  key: string,
  schema: Json,
  siblings: Readonly<Record<string, Json>>,
  comments: ReadonlyMap<string, string>,
  path: readonly string[],
): [string, Json][] {
  const place = [...path, key];
  const description = comments.get(
    place.join(".").replace(/^(?:defaults|templates\.\*)(?=\.)/, "websites.*"),
  );
  const own: [string, Json] = [
    key,
    { ...(description && { description }), ...asWritten(schema, comments, place) },
  ];
  const hasFile = !isMapSchema(schemaAt(place)) && !key.endsWith("_file") &&
    !Object.hasOwn(siblings, `${key}_file`);
  return hasFile ? [own, [`${key}_file`, { type: "string" }]] : [own];
}

/** The schema at a path, "*" for free keys and places in lists. */
function schemaAt(path: readonly string[]): z.core.$ZodType | null {
  return path.reduce<z.core.$ZodType | null>(
    (schema, key) => childOf(schema, key === "*" ? childKey(schema) : key),
    configSchema,
  );
}

function childKey(schema: z.core.$ZodType | null): string | number {
  return isMapSchema(schema) ? "any" : 0;
}

/**
 * What the sample says above each key, by path: a key of the schema that stands there as such, or in a
 * comment.
 */
function commentsOf(sample: string): Map<string, string> {
  const comments = new Map<string, string>();
  const around: { indent: number; key: string }[] = [];
  let lines: string[] = [];
  for (const line of sample.split("\n")) {
    const [, before = "", hash = "", text = ""] = /^( *)(# ?)?(.*)$/.exec(line) ?? [];
    const [, inner = "", name] = /^( *)"?([^"#]+?)"?:(?: |$)/.exec(text) ?? [];
    const indent = before.length + inner.length;
    const stack = around.filter((one) => one.indent < indent);
    const place = name === undefined ? null : placeOf([...stack.map(({ key }) => key)], name);
    if (place !== null && !(hash !== "" && name!.includes(" "))) {
      around.splice(0, around.length, ...stack, { indent, key: place.at(-1)! });
      const path = place.join(".");
      if (lines.length > 0 && !comments.has(path)) comments.set(path, lines.join(" "));
      lines = [];
    } else if (hash !== "") {
      if (text.trim() === "") lines = [];
      else lines.push(text.trim());
    } else lines = [];
  }
  return comments;
}

/** The path of `name` below `path`, where the schema has it; null where it has not. */
function placeOf(path: readonly string[], name: string): string[] | null {
  const parent = schemaAt(path);
  const keys = keysOf(parent);
  if (keys?.includes(name)) return [...path, name];
  return keys === null && isMapSchema(parent) ? [...path, "*"] : null;
}

/** docs/config.md, as `deno fmt` has it. */
export async function configPage(): Promise<string> {
  const text = configDoc(JSON.parse(configSchemaJson()), Deno.readTextFileSync(SAMPLE_FILE));
  const fmt = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "md", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Blob([text]).stream().pipeTo(fmt.stdin);
  return new TextDecoder().decode((await fmt.output()).stdout);
}

if (import.meta.main) {
  Deno.writeTextFileSync(SCHEMA_FILE, configSchemaJson());
  Deno.writeTextFileSync(DOC_FILE, await configPage());
}
