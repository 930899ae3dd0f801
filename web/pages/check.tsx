import type { Context } from "hono";
import { siteNamed } from "../data/past/site.ts";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";
import { messagePage } from "./message.tsx";

/** The longest that an agent is waited for. */
const TIMEOUT_MS = 30_000;

/** Has the agents of `web.ops` check a site now; the results are shown, and recorded nowhere. */
export async function checkNow(c: Context<Env>, deps: WebDeps) {
  const { pool, config, fetch } = deps;
  const id = Number(c.req.param("id"));
  const known = await siteNamed(pool, id);
  if (known === null) return messagePage(c, deps, "No such site", `There is no site ${id}.`, 404);
  const { name, url, isNamed } = known;
  const query = new URLSearchParams({ target: url, debug: "true", ...isNamed && { module: name } });
  const answers = await Promise.all(config.web.ops.map(async (base) => {
    try {
      const response = await fetch(`${base}/probe?${query}`, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: "error",
      });
      // A writer has no such page.
      if (response.status === 404) return null;
      const text = await response.text();
      // Behind the report stand the metrics of the probe.
      return { base, text: text.split(/\n\n(?=# HELP )/)[0]!.trim() };
    } catch (error) {
      return { base, text: error instanceof Error ? error.message : String(error) };
    }
  }));
  const shown = answers.filter((answer) => answer !== null);
  return page(
    c,
    deps,
    { title: `Check of ${name}` },
    (
      <>
        <h1>
          Check of <a href={`/sites/${id}`}>{name}</a>, now
        </h1>
        {shown.length === 0 && (
          <p>
            No agent is there to ask: name the addresses of some (<code>agent.listen</code>) in{" "}
            <code>web.ops</code> of the dashboard's config.
          </p>
        )}
        {shown.map(({ base, text }) => (
          <>
            <h2>{base}</h2>
            <pre tabindex={0} class="tall">{text}</pre>
          </>
        ))}
        <p class="dim">Such a check is shown only here; it is not in the record.</p>
      </>
    ),
  );
}
