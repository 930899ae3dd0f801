/** What a page says, read from its HTML. */
import { assert } from "@std/assert";
import type { World } from "../world.ts";

export interface Page {
  status: number;
  html: string;
  /** Without its markup. */
  text: string;
}

/** Asks for a page, and holds what is so of every one: nothing inline, nothing of another host. */
export async function readPage(world: World, path: string): Promise<Page> {
  const response = await world.ask(path);
  const html = await response.text();
  assert(html.startsWith("<!DOCTYPE html><html lang"), html.slice(0, 200));
  for (const [tag] of html.matchAll(/<[a-z][^>"]*(?:"[^"]*"[^>"]*)*>/g)) {
    const names = tag.replaceAll(/"[^"]*"/g, '""');
    assert(!/\s(?:on\w+|style)=/.test(names), `${path}: ${tag}`);
    assert(!/^<(?:img|iframe|style|base)/.test(tag), `${path}: ${tag}`);
    if (tag.startsWith("<script")) assert(/ src="\/assets\//.test(tag), `${path}: ${tag}`);
    assert(!/ (?:src|action)="(?!\/[^/])/.test(tag.replace(' action="/"', "")), `${path}: ${tag}`);
  }
  return { status: response.status, html, text: textOf(html) };
}

/** The rows of a page's tables, each its cells' texts. */
export function rowsIn(html: string, table = ""): string[][] {
  const from = html.indexOf(`<table${table}`);
  const part = html.slice(from, html.indexOf("</table>", from));
  return [...part.matchAll(/<tr[^>]*>(.*?)<\/tr>/gs)]
    .map(([, row]) =>
      [...row!.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)].map(([, c]) => textOf(c!))
    );
}

/** The SQL that a page shows, statement by statement. */
export function sqlIn(html: string): string[] {
  const folded = html.matchAll(/<details class="sql">.*?<pre[^>]*>(.*?)<\/pre>/gs);
  return [...folded].flatMap(([, sql]) => unescaped(sql!).split(/;(?=\s|$)/))
    .map((sql) => sql.replaceAll(/^\s*--.*$/gm, "").trim()).filter((sql) => sql !== "");
}

export function textOf(html: string): string {
  return unescaped(html.replaceAll(/<[^>]+>/g, " ")).replaceAll(/\s+/g, " ").trim();
}

function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
