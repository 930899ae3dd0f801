import type { Admin } from "kafkajs";
import type { Client } from "pg";
import type { Site } from "../../../config/types.ts";
import { DEMO_TOPIC } from "../config.ts";
import type { Receiver } from "../receiver.ts";
import type { Screen } from "./screen.ts";
import { siteRows } from "./site_rows.ts";
import { countVerdicts, renderTable, type SiteRow } from "./table.ts";
import { countBetween, type Ends, topicEnds } from "../topic_reader.ts";

/** Lines of the live area around the table. */
const AROUND_TABLE = 5;

/** How things stand at one moment. */
export interface Status {
  rows: readonly SiteRow[];
  published: number;
  written: number;
  deadLetters: number;
  /** Webhooks that the receiver has; null: nobody sends any. */
  webhooks: number | null;
}

/** Asks Kafka and PostgreSQL how things stand. */
export class StatusReader {
  readonly #client: Client;
  readonly #admin: Admin;
  readonly #sites: readonly Site[];
  readonly #begin: { at: Date; ends: Ends };
  readonly #receiver: Receiver | null;

  /** @param begin Where the topic ended when the demo began, and when that was. */
  constructor(
    client: Client,
    admin: Admin,
    sites: readonly Site[],
    begin: { at: Date; ends: Ends },
    receiver: Receiver | null = null,
  ) {
    this.#receiver = receiver;
    this.#client = client;
    this.#admin = admin;
    this.#sites = sites;
    this.#begin = begin;
  }

  async read(): Promise<Status> {
    const rows = await siteRows(
      this.#client,
      this.#sites,
      this.#begin.at,
      this.#receiver?.told ?? new Map(),
    );
    const dead = await this.#client.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM dead_letters WHERE at >= $1",
      [this.#begin.at],
    );
    const ends = await topicEnds(this.#admin, DEMO_TOPIC);
    return {
      rows,
      published: countBetween(this.#begin.ends, ends),
      written: rows.reduce((sum, row) => sum + row.rows, 0),
      deadLetters: dead.rows[0]!.count,
      webhooks: this.#receiver?.count() ?? null,
    };
  }
}

/** The live area: counts, the table, and what the person may do. */
export function drawStatus(
  screen: Screen,
  status: Status,
  seconds: number,
  hints: readonly string[],
): void {
  const { paint } = screen;
  // A line that is too long would wrap and put the area out of place; half a hint is of no use.
  const fitting = hints.filter((hint) => hint.length <= screen.width);
  const size = { width: screen.width, height: screen.height - AROUND_TABLE - fitting.length };
  screen.draw([
    "",
    `${seconds.toFixed(0)} s   ${countsLine(status)}`.slice(0, screen.width),
    "",
    ...renderTable(status.rows, size, paint),
    "",
    ...fitting.map((hint) => paint("dim", hint)),
  ]);
}

/** The same in one line, for where there is no terminal. */
export function statusLine(status: Status, seconds: number): string {
  const sites = `${status.rows.length} sites: ${countVerdicts(status.rows)}`;
  return `  ${seconds.toFixed(0).padStart(4)} s   ${countsLine(status)}   ${sites}`;
}

function countsLine({ published, written, deadLetters, webhooks }: Status): string {
  return `published ${published}   written ${written}   dead letters ${deadLetters}${
    webhooks === null ? "" : `   webhooks ${webhooks}`
  }`;
}
