/** docs/message.schema.json and docs/message.md, for tests. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { isIPv4, isIPv6 } from "node:net";

const DOCS = new URL("../../docs/", import.meta.url);

// deno-lint-ignore no-explicit-any
type Schema = any;

export async function messageSchema(): Promise<Schema> {
  return JSON.parse(await Deno.readTextFile(new URL("message.schema.json", DOCS)));
}

/**
 * Compiles the schema, in ajv's strict mode, which refuses what it does not know.
 *
 * @param closed Also refuses fields that the schema does not name, for what we send ourselves
 */
export async function messageValidator(closed = false): Promise<ValidateFunction> {
  const schema = await messageSchema();
  if (closed) {
    for (const object of objectsIn(schema)) object.additionalProperties ??= false;
  }
  const formats = {
    ipv4: isIPv4,
    ipv6: (text: string) => isIPv6(text) && !text.includes("%"),
  };
  return new Ajv2020({ allErrors: true, allowUnionTypes: true, formats }).compile(schema);
}

/** @throws {Error} With what is wrong */
export function assertValid(validate: ValidateFunction, value: unknown): void {
  if (validate(value)) return;
  const errors = validate.errors!.map(({ instancePath, message, params }) =>
    `${instancePath} ${message} ${JSON.stringify(params)}`
  );
  throw new Error(`${errors.join("\n")}\nin ${JSON.stringify(value)}`);
}

/** The schema's parts that name properties. */
function objectsIn(schema: Schema): Schema[] {
  if (typeof schema !== "object" || schema === null) return [];
  const nested = Object.values(schema).flatMap(objectsIn);
  return schema.properties && schema.type === "object" ? [schema, ...nested] : nested;
}

/** Every field that the schema names: "phases.dns", "redirects[].url". */
export function fieldsOfSchema(schema: Schema): string[] {
  const fields: string[] = [];
  const visit = (at: Schema, path: string) => {
    const name = at.$ref?.replace("#/$defs/", "");
    if (name !== undefined) visit(schema.$defs[name], path);
    for (const [field, part] of Object.entries(at.properties ?? {})) {
      const inner = path === "" ? field : `${path}.${field}`;
      fields.push(inner);
      visit(part, inner);
    }
    if (at.items) visit(at.items, `${path}[]`);
  };
  visit(schema, "");
  return fields;
}

/** Every field that a table of message.md names in its first column. */
export async function fieldsOfDocs(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("message.md", DOCS));
  const [fields] = text.split("## What a writer cannot store");
  return [...fields!.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!);
}

/** The names of the reasons in message.md's last table. */
export async function reasonsOfDocs(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("message.md", DOCS));
  const [, reasons] = text.split("## What a writer cannot store");
  return [...reasons!.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]!);
}
