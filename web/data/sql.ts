import pg from "pg";

/** SQL that gives a time as milliseconds since 1970. */
export function MS(time: string, name: string = time): string {
  return `extract(epoch FROM ${time})::float8 * 1000 AS ${name}`;
}

/** A text, or a time, as SQL has it. @param value Milliseconds since 1970, where it is a number */
export function literal(value: string | number): string {
  return pg.escapeLiteral(
    typeof value === "number" ? new Date(value).toISOString().replace(".000", "") : value,
  );
}
