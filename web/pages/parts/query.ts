import type { Context } from "hono";
import { type Selection, type Sort, SORTS } from "../../data/now/select.ts";
import type { Env } from "../../env.ts";

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
    page: Math.max(1, Math.floor(Number(text("page")) || 1)),
  };
}

/** The address of what is chosen, without what is so by itself. */
export function hrefOf({ text, state, label, location, sort, strip, page }: Query): string {
  const params = new URLSearchParams();
  const set = (name: string, value: string, byItself = "") => {
    if (value !== byItself) params.set(name, value);
  };
  set("q", text);
  set("state", state);
  set("label", label);
  set("location", location);
  set("sort", sort, "group");
  set("strip", strip, "days");
  set("page", String(page), "1");
  return `/${params.size === 0 ? "" : `?${params}`}`;
}
