import type { Context } from "hono";

/** Links of which one is chosen. */
export function Pick({ of, label }: {
  of: readonly (readonly [href: string, text: string, isChosen: boolean])[];
  label?: string;
}) {
  return of.length > 0 && (
    <nav class="pick" aria-label={label}>
      {of.map(([href, text, isChosen]) => (
        <a href={href} aria-current={isChosen ? "true" : undefined}>{text}</a>
      ))}
    </nav>
  );
}

/** The number of a page as an address has it, from 1. */
export function pageIn(c: Context): number {
  return Math.max(1, Math.floor(Number(c.req.query("page")) || 1));
}

/** A page of a list, the last one for those behind it. */
export function pageOf<T>(all: readonly T[], asked: number, size: number) {
  const pages = Math.max(1, Math.ceil(all.length / size));
  const at = Math.min(asked, pages);
  return { at, pages, shown: all.slice((at - 1) * size, at * size) };
}

/** The pages of a table, where there are several: the first, the last and those around. */
export function Pages(
  { at, of, href }: { at: number; of: number; href: (page: number) => string },
) {
  const shown = Array.from({ length: of }, (_, n) => n + 1)
    .filter((n) => n === 1 || n === of || Math.abs(n - at) <= 2);
  if (of === 1) return null;
  return (
    <nav class="pick" aria-label="Pages of the table">
      {shown.map((n, i) => (
        <>
          {n - (shown[i - 1] ?? 0) > 1 && <span class="dim">…</span>}
          <a href={href(n)} aria-current={n === at ? "page" : undefined}>{n}</a>
        </>
      ))}
    </nav>
  );
}
