import { assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";
import type { ScrapedFamily } from "./exposition.ts";

/** The text of docs/metrics.md. */
export async function metricsDoc(): Promise<string> {
  return await readFile(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
}

/** The rows of the table under a heading: name -> type, labels, meaning. */
export function documented(doc: string, heading: string): Map<string, string[]> {
  const section = doc.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/metrics.md has no "${heading}"`);
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(rows.map((row) => {
    const [name, ...cells] = row.slice(1, -1).split(/(?<!\\)\|/).map((cell) =>
      cell.trim().replaceAll("`", "")
    );
    return [name!, cells];
  }));
}

/** Fails unless a scrape has exactly the metrics of these tables, with their types, labels and help. */
export function assertDocumented(
  doc: string,
  headings: readonly string[],
  families: ReadonlyMap<string, ScrapedFamily>,
): void {
  const expected = headings.flatMap((heading) => [...documented(doc, heading)]);
  const found = [...families].map(([name, { type, help, samples }]) => {
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
    labels.delete("le");
    return [name, [type, [...labels].sort().join(", "), help]] as const;
  });
  const sorted = (rows: (readonly [string, readonly string[]])[]) =>
    rows.sort(([a], [b]) => a < b ? -1 : 1);
  assertEquals(sorted(found), sorted(expected));
}
