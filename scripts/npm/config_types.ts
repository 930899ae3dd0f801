/** The types of a config as it is written, from its JSON Schema. */

interface Schema {
  $ref?: string;
  type?: string;
  description?: string;
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | false;
}

/** What may stand for any value: a text with `${NAME}` in it. */
const FROM_ENVIRONMENT = "\\$\\{";

/** The text of an interface `name`, with each key's comment. */
export function interfaceOf(name: string, schema: Schema): string {
  return `export interface ${name} ${typeOf(schema, name)}\n`;
}

function typeOf(schema: Schema, root: string): string {
  if (schema.$ref !== undefined) {
    const key = schema.$ref.split("/").at(-1)!;
    return `NonNullable<${root}["defaults"]>["${key}"]`;
  }
  if (schema.anyOf) {
    // No map of keys comes from the environment.
    const isMap = schema.anyOf.some(({ type }) => type === "object");
    const all = schema.anyOf.filter(({ pattern }) => !isMap || pattern !== FROM_ENVIRONMENT);
    return [...new Set(all.map((one) => typeOf(one, root)))].join(" | ");
  }
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  switch (schema.type) {
    case "string":
      return schema.pattern === FROM_ENVIRONMENT ? "FromEnvironment" : "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
    case "null":
      return schema.type;
    case "array":
      return `readonly (${schema.items ? typeOf(schema.items, root) : "unknown"})[]`;
    case "object":
      return objectOf(schema, root);
    default:
      return "unknown";
  }
}

function objectOf({ properties, additionalProperties }: Schema, root: string): string {
  const keys = Object.entries(properties ?? {}).map(([key, schema]) => {
    const comment = schema.description
      ? `/** ${schema.description.replaceAll("*/", "* /")} */\n`
      : "";
    return `${comment}${key}?: ${typeOf(schema, root)};\n`;
  });
  const others = additionalProperties
    ? `[key: string]: ${typeOf(additionalProperties, root)};\n`
    : "";
  return `{\n${keys.join("")}${others}}`;
}
