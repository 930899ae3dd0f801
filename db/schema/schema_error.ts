/**
 * The database is not as this version needs it, and a person must decide what to do. Its message says
 * what; no stack is needed to understand it.
 */
export class SchemaError extends Error {
  readonly code = "SCHEMA";
}
