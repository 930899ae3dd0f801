import type { Context } from "hono";
import { replay } from "../../db/restore/replay.ts";
import { ResultStore } from "../../db/store/store.ts";
import type { Env, WebDeps } from "../env.ts";
import { plural } from "./parts/format.ts";

/** Tries to store the dead letters of a reason again, as `httpmon replay` does. */
export async function replayLetters(c: Context<Env>, { operator, log, clock }: WebDeps) {
  const reason = String((await c.req.parseBody()).reason ?? "");
  const store = new ResultStore(operator, { log, clock });
  const done = await replay(operator, store, { reason }, c.req.raw.signal);
  const { stored, expired, failed, unreadable } = done;
  return c.render(
    <>
      <h1>{plural(stored, "dead letter is", "dead letters are")} stored now</h1>
      <ul>
        {Object.entries(failed).map(([why, n]) => <li>{plural(n, "letter")} still not, {why}</li>)}
        {expired > 0 && <li>{plural(expired, "letter")} of days that the retention has dropped</li>}
        {unreadable > 0 && <li>{plural(unreadable, "batch", "batches")} that nobody can read</li>}
      </ul>
      <p>
        <a href="/pipeline">Back to the pipeline</a>
      </p>
    </>,
    { title: "Replayed" },
  );
}
