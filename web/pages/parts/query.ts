import type { Context } from "hono";
import { type Selection, type Sort, SORTS } from "../../data/now/selection.ts";
import type { Env } from "../../env.ts";
import { pageIn } from "./paging.tsx";

/** What the address of the overview says. */
export interface Query extends Selection {
  strip: "days" | "checks";
  /** From 1. */
  page: number;
}

export function queryOf(c: Context<Env>): Query {
  const text = (name: string) => c.req.query(name)?.trim() ?? "";
  return {
    text: text("q"),
    state: text("state"),
    label: text("label"),
    location: text("location"),
    sort: SORTS.find((sort) => sort === text("sort")) ?? "group" as Sort,
    strip: text("strip") === "checks" ? "checks" : "days",
    page: pageIn(c),
  };
}

const BY_ITSELF: Record<string, unknown> = { sort: "group", strip: "days", page: 1 };

/** The address of what is chosen, without what is so by itself. */
export function hrefOf({ text, ...rest }: Query): string {
  const chosen = new URLSearchParams();
  for (const [name, value] of Object.entries({ q: text, ...rest })) {
    if (value !== (BY_ITSELF[name] ?? "")) chosen.set(name, String(value));
  }
  return `/${chosen.size === 0 ? "" : `?${chosen}`}`;
}
