import { z } from "zod";

/** A moment: milliseconds since 1970 here, ISO 8601 in an answer of the API. */
export const time = z.number().transform((ms) => new Date(ms).toISOString()).pipe(z.iso.datetime());

/** A text that may not be there, and so on. */
export const text = z.string().nullable();
export const number = z.number().nullable();
