import type { Buffer } from "node:buffer";
import type { ClientBase, Connection } from "pg";
import { rollBack } from "./transaction.ts";

/** A value of a statement: a Buffer in PostgreSQL's binary format, a text in the other. */
export type Parameter = Buffer | string | null;

/** What pg's connection has, and its types leave out. */
interface Wire {
  stream: { cork?(): void; uncork?(): void };
  parse(statement: { text: string }): void;
  bind(statement: { values: readonly Parameter[] }): void;
  execute(portal: object): void;
  sync(): void;
}

/** Statements that go to the server at once, and are answered at once, as pg's own queries are handed over. */
class Trip {
  /** Of the text that is not one of the transaction's own statements. */
  readonly #rows: (string | null)[][] = [];
  readonly statements: readonly { text: string; values: readonly Parameter[] }[];
  /** pg puts its time limit around it. */
  callback!: (error: Error | null, rows?: (string | null)[][]) => void;

  constructor(statements: readonly { text: string; values: readonly Parameter[] }[]) {
    this.statements = statements;
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as Wire;
    wire.stream.cork?.();
    for (const { text, values } of this.statements) {
      wire.parse({ text });
      wire.bind({ values });
      wire.execute({});
    }
    wire.sync();
    wire.stream.uncork?.();
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.#rows.push(fields);
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.callback(error);
  }

  /** All statements are done, COMMIT as well. */
  handleReadyForQuery(): void {
    this.callback(null, this.#rows);
  }
}

/**
 * Runs one statement in a transaction of its own, all in one trip to the server: nothing of ours stands
 * between its locks and COMMIT.
 *
 * @param begin SQL that begins it and sets what holds in it
 * @returns Its rows, each value a text
 */
export async function inOneTrip(
  client: ClientBase,
  begin: string,
  text: string,
  values: readonly Parameter[],
): Promise<(string | null)[][]> {
  const trip = new Trip([
    ...begin.split(";").map((text) => ({ text, values: [] })),
    { text, values },
    { text: "COMMIT", values: [] },
  ]);
  try {
    return await new Promise((resolve, reject) => {
      trip.callback = (error, rows) => error ? reject(error) : resolve(rows!);
      client.query(trip);
    });
  } catch (error) {
    await rollBack(client, error);
    throw error;
  }
}
