import { z } from "zod";

/** A moment: milliseconds since 1970 here, ISO 8601 in an answer of the API. */
export const time = z.number().transform((ms) => new Date(ms).toISOString()).pipe(z.iso.datetime());

export const nullableText = z.string().nullable();
export const nullableNumber = z.number().nullable();
