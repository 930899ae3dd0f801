/** docs/config.md: every key of a config, from its JSON Schema and the sample. */
import { parse } from "@std/yaml";
import { ROOT } from "./build/project.ts";

export const DOC_FILE = `${ROOT}docs/config.md`;

const HEAD = `# Every key of the config

Made by \`deno task config-schema\` from the schema and [config/config.sample.yaml](../config/config.sample.yaml),
which is a config to start from; [config/config.schema.json](../config/config.schema.json) is for an editor.
\`httpmon check-config -c FILE\` tells all that is wrong with one, or what it makes run, and with
\`--connect\` whether that can be reached.

- Any text may have \`\${NAME}\` in it, a variable of the environment; \`$\${\` is \`\${\`.
- Any key but those of maps may have \`_file\` behind its name: its value is then that file's text.
- Paths are from the config file's folder.
- A key left out, or left empty, has its default.
- Kinds of channels and their keys: [alerts.md](alerts.md).
`;

interface Schema {
  $ref?: string;
  description?: string;
  anyOf?: Schema[];
  type?: string;
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | false;
}

/** The page's text, not yet formatted. */
export function configDoc(schema: Schema, sample: string): string {
  return HEAD + [...sectionsOf(resolved(schema, schema), [], parse(sample))].join("");
}

/** Without references, all of which are from the root. */
function resolved(schema: Schema, root: Schema): Schema {
  return JSON.parse(JSON.stringify(schema), (_, value) => {
    if (typeof value?.$ref !== "string") return value;
    const path = value.$ref.slice("#/".length).split("/") as string[];
    // deno-lint-ignore no-explicit-any
    return path.reduce((at: any, key) => at[key], root);
  });
}

/** The tables of a map, and of the maps in it. */
function* sectionsOf(schema: Schema, path: readonly string[], sample: unknown): Generator<string> {
  const maps = new Map<string, Schema>();
  const rows: string[] = [];
  for (const [key, value] of Object.entries(schema.properties ?? {})) {
    if (isFileOf(key, schema)) continue;
    const map = mapOf(value);
    // Templates and defaults have the keys of sites.
    if (map && !/^(?:templates|defaults)$/.test(key)) maps.set(key, map);
    const given = childOf(sample, key);
    const preset = given !== null && typeof given !== "object" ? code(String(given)) : "";
    // The sample says some things once, of several keys.
    const what = value.description?.replaceAll("|", "\\|") ?? (rows.length > 0 ? "(as above)" : "");
    rows.push(`| ${code(key)} | ${valueOf(value)} | ${preset} | ${what} |\n`);
  }
  if (rows.length > 0) {
    const title = path.length === 0 ? "The top" : code(path.join("."));
    yield `\n## ${title}\n\n| key | value | default | what it is |\n| --- | --- | --- | --- |\n${
      rows.join("")
    }`;
  }
  for (const [key, map] of maps) {
    yield* sectionsOf(map, [...path, key], childOf(sample, key));
    if (!map.additionalProperties) continue;
    const entry = mapOf(map.additionalProperties);
    // The one that says the most, which is the one with every default.
    const [told = null] = Object.values(childOf(sample, key) ?? {})
      .sort((a, b) => Object.keys(b ?? {}).length - Object.keys(a ?? {}).length);
    if (entry) yield* sectionsOf(entry, [...path, key, "NAME"], told);
  }
}

/** The one map that a value may be; kinds of channels, which are many, have a page of their own. */
function mapOf({ anyOf = [] }: Schema): Schema | null {
  const maps = anyOf.filter(({ type }) => type === "object");
  return maps.length === 1 ? maps[0]! : null;
}

function isFileOf(key: string, { properties = {} }: Schema): boolean {
  return key.endsWith("_file") && Object.hasOwn(properties, key.slice(0, -"_file".length));
}

function childOf(value: unknown, key: string): unknown {
  return (value as Record<string, unknown> | null)?.[key] ?? null;
}

/** What a key takes, in a few words. */
function valueOf({ anyOf, ...own }: Schema): string {
  if (anyOf) return [...new Set(anyOf.map(valueOf))].filter((text) => text !== "").join(" or ");
  if (own.enum) return [...new Set(own.enum.map((one) => code(String(one))))].join(", ");
  if (own.const !== undefined) return code(String(own.const));
  switch (own.type) {
    case "string":
      return own.pattern === "\\$\\{" ? "" : "text";
    case "integer":
    case "number": {
      const least = own.exclusiveMinimum === undefined
        ? own.minimum === undefined || !Number.isSafeInteger(own.minimum - 1)
          ? ""
          : ` from ${own.minimum}`
        : ` over ${own.exclusiveMinimum}`;
      const most = own.maximum === undefined || own.maximum >= Number.MAX_SAFE_INTEGER
        ? ""
        : ` to ${own.maximum}`;
      return `number${least}${most}`;
    }
    case "boolean":
      return "`true`, `false`";
    case "array":
      return "list";
    case "object":
      return "map";
    default:
      return "";
  }
}

function code(text: string): string {
  return `\`${text}\``;
}
