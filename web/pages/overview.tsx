import type { Context } from "hono";
import type { Env, WebDeps } from "../env.ts";
import { page } from "./layout.tsx";
import { Ms, Since, StateWord } from "./parts/basics.tsx";

/** What is wrong now, and all sites. */
export function overview(c: Context<Env>, deps: WebDeps) {
  const sites = [...deps.sites.all()];
  const now = deps.clock.now();
  return page(
    c,
    deps,
    { title: "Overview", live: "sites" },
    (
      <>
        <h1>Sites</h1>
        <table>
          <tbody>
            {sites.map((site) => (
              <tr id={`site-${site.id}`}>
                <td>
                  <StateWord state={site.state} />
                </td>
                <td>
                  <a href={`/sites/${site.id}`}>{site.name}</a>
                </td>
                <td>
                  <Since at={site.since} now={now} />
                </td>
                <td>
                  <Ms of={site.responseMs} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </>
    ),
  );
}
