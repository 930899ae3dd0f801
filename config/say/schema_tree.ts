/** Finding one's way in a zod schema: which keys are known where. */
import type { z } from "zod";

type Schema = z.core.$ZodType;

/** The keys that a map at `schema` may have; null where it may have any, or is no map. */
export function keysOf(schema: Schema | null): readonly string[] | null {
  const def = definition(schema);
  if (def?.type === "object") return Object.keys(def.shape);
  const kinds = kindsOf(schema);
  return kinds && [...new Set(kinds.flatMap((kind) => keysOf(kind) ?? []))];
}

/** The schema of what stands at `key` below `schema`; null where there is none. */
export function childOf(schema: Schema | null, key: string | number): Schema | null {
  const def = definition(schema);
  if (def?.type === "object") return Object.hasOwn(def.shape, key) ? def.shape[key]! : null;
  if (def?.type === "record") return def.valueType;
  if (def?.type === "array") return def.element;
  return kindsOf(schema)?.map((kind) => childOf(kind, key)).find((child) => child !== null) ?? null;
}

/** Of a map that is of one of several kinds, the schema of that which `value` says it is of. */
export function narrowed(schema: Schema | null, value: unknown): Schema | null {
  const def = definition(schema);
  const kinds = kindsOf(schema);
  if (kinds === null || def?.type !== "union") return schema;
  const by = (def as z.core.$ZodDiscriminatedUnionDef).discriminator;
  const said = Object(value)[by];
  return kinds.find((kind) => {
    const literal = definition(childOf(kind, by));
    return literal?.type === "literal" && literal.values.includes(said);
  }) ?? schema;
}

/** The kinds of a map that says by one of its keys which it is; null for all else. */
function kindsOf(schema: Schema | null): readonly Schema[] | null {
  const def = definition(schema);
  return def?.type === "union" && "discriminator" in def ? def.options : null;
}

/** Whether a map belongs at `schema`. */
export function isMapSchema(schema: Schema | null): boolean {
  const type = definition(schema)?.type;
  return type === "object" || type === "record" || kindsOf(schema) !== null;
}

/** The path of the first map that knows `key`, "<url>" or "<name>" for free keys; null if none. */
export function placeOf(schema: Schema, key: string, path: string[] = []): string[] | null {
  const def = definition(schema);
  if (def?.type === "record") {
    return placeOf(def.valueType, key, [...path, path.length === 1 ? "<url>" : "<name>"]);
  }
  if (def?.type !== "object") return null;
  if (Object.hasOwn(def.shape, key)) return path;
  for (const [name, child] of Object.entries(def.shape)) {
    const place = placeOf(child, key, [...path, name]);
    if (place) return place;
  }
  return null;
}

/** The definition below what only adds a default or a conversion. */
function definition(schema: Schema | null): z.core.$ZodTypes["_zod"]["def"] | null {
  let def = (schema as z.core.$ZodTypes | null)?._zod.def ?? null;
  for (;;) {
    switch (def?.type) {
      case "optional":
      case "nullable":
        def = (def.innerType as z.core.$ZodTypes)._zod.def;
        break;
      case "pipe":
        def = (def.in as z.core.$ZodTypes)._zod.def;
        break;
      default:
        return def;
    }
  }
}
