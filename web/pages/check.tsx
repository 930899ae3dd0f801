import type { Context } from "hono";
import { askOps } from "../data/monitor/ops.ts";
import { knownSite } from "../data/past/known_site.ts";
import type { Env, WebDeps } from "../env.ts";
import { message } from "./layout.tsx";

/** The longest that an agent is waited for. */
const TIMEOUT_MS = 30_000;

/** Has the agents of `web.ops` check a site now; the results are shown, and recorded nowhere. */
export async function checkNow(c: Context<Env>, deps: WebDeps) {
  const id = Number(c.req.param("id"));
  const known = await knownSite(deps.pool, id);
  if (known === null) return message(c, "No such site", `There is no site ${id}.`);
  const { name, url, isNamed } = known;
  const query = new URLSearchParams({ target: url, debug: "true", ...isNamed && { module: name } });
  const answers = await askOps(deps, `/probe?${query}`, TIMEOUT_MS);
  // A writer has no such page.
  const shown = answers.filter(({ status }) => status !== 404);
  return c.render(
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
      {shown.map(({ url, text, error }) => (
        <>
          <h2>{url}</h2>
          {/* Behind the report stand the metrics of the probe. */}
          <pre tabindex={0} class="tall">{error ?? text.split(/\n\n(?=# HELP )/)[0]!.trim()}</pre>
        </>
      ))}
      <p class="dim">Such a check is shown only here; it is not in the record.</p>
    </>,
    { title: `Check of ${name}` },
  );
}
