import pg, { type ClientBase, type Pool } from "pg";

const TIMESTAMPTZ = 1184;

/** Times as milliseconds since 1970. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (type, format) => {
    const parser = pg.types.getTypeParser(type, format);
    return type === TIMESTAMPTZ ? (text: string) => Number(parser(text)) : parser;
  },
};

/** The rows of an answer: "opened_at" as openedAt, and times as milliseconds since 1970. */
export async function rowsOf<Row>(
  db: Pool | ClientBase,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const query = { text, values: [...values], types, rowMode: "array" as const };
  const { fields, rows } = await db.query<unknown[]>(query);
  const names = fields.map(({ name }) =>
    name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  );
  return rows.map((row) => Object.fromEntries(names.map((name, n) => [name, row[n]])) as Row);
}

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
