import { Buffer } from "node:buffer";
import { z } from "zod";

/** A whole number in a path or a query. */
export function whole(least: number, most: number) {
  return z.preprocess(
    (text) => typeof text === "string" && /^\d{1,16}$/.test(text) ? Number(text) : text,
    z.int().min(least).max(most),
  );
}

/** The id of a row, which JavaScript's numbers may not hold. */
export const rowId = z.string().regex(/^\d{1,18}$/);

export const id = whole(1, Number.MAX_SAFE_INTEGER);

/** What each list takes. */
export const paging = {
  limit: whole(1, 500).default(100).describe("Entries a page"),
  cursor: z.string().max(3_000).optional().describe('"next" of the page before'),
};

/** A list, a page of it. */
export function pageOf<T extends z.ZodType>(entry: T) {
  return z.object({
    data: z.array(entry),
    next: z.string().nullable().describe("The next page's cursor; null: this is the last one"),
  });
}

/** An opaque text for where a page ends. */
export function cursorOf(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** The place that a cursor stands for; null for none, and for what is none of ours. */
export function placeOf<T>(cursor: string | undefined, schema: z.ZodType<T>): T | null {
  if (cursor === undefined) return null;
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch {
    return null;
  }
}
