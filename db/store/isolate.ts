import type { ClientBase } from "pg";
import type { ResultMessage } from "../../wire/message.ts";
import { classifyFailure } from "./failures.ts";
import { insertResults, type InsertTally } from "./result_rows.ts";

/** A tally, and which results failed by themselves. */
export interface IsolatedTally extends InsertTally {
  /** Index of the result, and the server's error. */
  failed: { index: number; error: Error }[];
}

/**
 * As `insertResults`, for results of which some fail by an error that is theirs: what fails is halved
 * until it is one result, and all others go in. Each part is a savepoint of the caller's transaction.
 *
 * @throws What is the database's fault
 */
export async function insertIsolating(
  client: ClientBase,
  messages: readonly ResultMessage[],
): Promise<IsolatedTally> {
  // Else a constraint could fail as late as in COMMIT, where nobody knows whose fault it was.
  await client.query("SET CONSTRAINTS ALL IMMEDIATE");
  const total: IsolatedTally = { inserted: 0, duplicates: 0, taken: [], failed: [] };
  const ranges: [number, number][] = [[0, messages.length]];
  for (let range = ranges.pop(); range; range = ranges.pop()) {
    const [start, end] = range;
    await client.query("SAVEPOINT part");
    try {
      const tally = await insertResults(client, messages.slice(start, end));
      await client.query("RELEASE SAVEPOINT part");
      total.inserted += tally.inserted;
      total.duplicates += tally.duplicates;
      for (const index of tally.taken) total.taken.push(start + index);
    } catch (error) {
      if (classifyFailure(error) === "operational") throw error;
      await client.query("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part");
      if (end - start === 1) {
        total.failed.push({ index: start, error: error as Error });
      } else {
        const middle = (start + end) >> 1;
        // The earlier half next, so that of two with one identity the earlier one is stored.
        ranges.push([middle, end], [start, middle]);
      }
    }
  }
  return total;
}
