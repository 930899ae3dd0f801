import pg, { type ClientBase } from "pg";

/** How ids are looked up (n, from 1 on, and id) and made; both take the columns as $1, $2, ... */
export interface IdQueries {
  find: string;
  /** The look-up takes so many columns, the first ones. */
  findBy: number;
  insert: string;
}

/**
 * The ids of rows that are told apart by content, in the same order, made where they are missing. It
 * looks up first and inserts only what is missing: ON CONFLICT uses an id up for every row.
 *
 * @param what A row, in messages
 * @param columns Values of the rows, a column each
 */
export async function idsOf(
  client: ClientBase,
  what: string,
  columns: readonly (readonly unknown[])[],
  { find, findBy, insert }: IdQueries,
): Promise<number[]> {
  const count = columns[0]!.length;
  const ids = new Array<number>(count);
  if (count === 0) return ids;
  const keys = columns.slice(0, findBy);
  const findAll = async () => {
    const { rows } = await client.query(find, keys);
    for (const { n, id } of rows) ids[n - 1] = id;
    return rows.length === count;
  };
  if (await findAll()) return ids;
  const missing = columns.map((column) => column.filter((_, index) => ids[index] === undefined));
  await client.query(insert, missing);
  if (await findAll()) return ids;
  // Two different texts with one hash: nobody but an attacker has such, and no retry helps.
  const error = new pg.DatabaseError(`The hash of a ${what} is another one's already`, 0, "error");
  error.code = "23505";
  throw error;
}
