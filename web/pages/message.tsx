import type { Context } from "hono";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";

/** A page that only says something. */
export function messagePage(
  c: Context<Env>,
  deps: WebDeps,
  title: string,
  text: string,
  status: 404 | 500,
) {
  return page(
    c,
    deps,
    { title, status },
    (
      <>
        <h1>{title}</h1>
        <p>{text}</p>
        <p>
          <a href="/">To the overview</a>
        </p>
      </>
    ),
  );
}
