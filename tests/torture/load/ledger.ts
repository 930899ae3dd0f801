import { Buffer } from "node:buffer";
import { type FileHandle, open, readFile } from "node:fs/promises";

/** A record as it was sent. `poison`: it can never be a row. */
export interface SentRecord {
  key: string | null;
  /** Base64 of the bytes; null: a tombstone. */
  value: string | null;
  poison: boolean;
  /** The same result was sent before, on purpose. */
  again: boolean;
}

/** A result as it is sent, keyed by its URL. */
export function recordToSend(result: { url: string }): SentRecord {
  const value = Buffer.from(JSON.stringify(result)).toString("base64");
  return { key: result.url, value, poison: false, again: false };
}

/** What the ledger holds. */
export interface LedgerContent {
  /** All that may have reached the broker. */
  sent: SentRecord[];
  /** Of them, what it acknowledged. */
  acknowledged: SentRecord[];
}

/** The producing side's own record of what it sent and what was acknowledged, on disk at each step. */
export class Ledger {
  readonly path: string;
  readonly #file: FileHandle;
  /** The write under way: a long line takes several, and no other may come between them. */
  #writing: Promise<void> = Promise.resolve();
  #batches = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<Ledger> {
    return new Ledger(path, await open(path, "ax"));
  }

  /** Before a batch is sent. @returns The batch's number */
  async sending(records: readonly SentRecord[]): Promise<number> {
    const batch = this.#batches++;
    await this.#write({ batch, records });
    return batch;
  }

  /** After the broker acknowledged these batches. */
  async acknowledged(batches: readonly number[]): Promise<void> {
    await this.#write({ acknowledged: batches });
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#file.close();
  }

  #write(line: unknown): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    // Once one has failed, so do all that follow: what the file holds then cannot be told.
    return this.#writing = this.#writing.then(async () => {
      await this.#file.appendFile(text);
      await this.#file.datasync();
    });
  }
}

/** Reads a ledger from its file. */
export async function readLedger(path: string): Promise<LedgerContent> {
  const batches = new Map<number, SentRecord[]>();
  const acknowledged: SentRecord[] = [];
  for (const line of (await readFile(path, "utf8")).split("\n")) {
    if (line === "") continue;
    const entry = JSON.parse(line);
    if (entry.records) batches.set(entry.batch, entry.records);
    else {
      for (const batch of entry.acknowledged) acknowledged.push(...batches.get(batch)!);
    }
  }
  return { sent: [...batches.values()].flat(), acknowledged };
}
