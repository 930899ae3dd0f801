import type { Site } from "../../../config/types.ts";
import type { Certificate, Failure, FromAgent, LastResult } from "../../data/site.ts";
import type { Sites } from "../../data/sites.ts";
import { Ago, At, Mark, Ms, StateWord, Uptime } from "./basics.tsx";
import { count, plural, span } from "./format.ts";
import { whyOf } from "./wrong.tsx";

/** Runs of failures, each with what the site answered. */
export function Failures({ failures, most, now }: {
  failures: readonly Failure[];
  most: number;
  now: number;
}) {
  if (failures.length === 0) return <p>None in this range.</p>;
  return (
    <>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">since</th>
              <th scope="col" class="n">lasted</th>
              <th scope="col">why</th>
              <th scope="col">seen by</th>
            </tr>
          </thead>
          <tbody>
            {failures.map((failure) => (
              <tr>
                <td>
                  <At at={failure.started} />
                </td>
                <td class="n">
                  {failure.ended === null
                    ? (
                      <span class="state down">
                        <Mark state="down" /> {span(now - failure.started)}, still
                      </span>
                    )
                    : span(failure.ended - failure.started)}
                </td>
                <td class="text">
                  {whyOf(failure)}
                  <Answer failure={failure} />
                </td>
                <td>{plural(failure.agents, "agent")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {failures.length === most && (
        <p class="dim">The newest {most}; choose a shorter range for others.</p>
      )}
    </>
  );
}

function Answer({ failure: { evidence } }: { failure: Failure }) {
  if (evidence === null) return null;
  const { at, statusLine, headers, body } = evidence;
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return (
    <details>
      <summary>what it answered</summary>
      <p class="dim">
        at <At at={at} />, secrets taken out
      </p>
      <pre tabindex={0}>{[statusLine, ...lines].filter((line) => line !== null).join("\n")}</pre>
      {body !== null && <pre tabindex={0}>{body}</pre>}
    </details>
  );
}

/** What each agent saw. */
export function Locations({ agents, sites, id, now }: {
  agents: readonly FromAgent[];
  sites: Sites;
  id: number;
  now: number;
}) {
  const seen = new Map(sites.seenOf(id).map((one) => [one.agentId, one]));
  const STATE = ["up", "degraded", "down", "unknown", "maintenance"] as const;
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">location</th>
            <th scope="col">now</th>
            <th scope="col" class="n">uptime</th>
            {STATE.map((state) => <th scope="col" class="n">{state}</th>)}
            <th scope="col" class="n">last response</th>
            <th scope="col">last result</th>
          </tr>
        </thead>
        <tbody>
          {agents.map((one) => {
            const last = seen.get(one.agentId);
            const counted = one.up + one.degraded + one.down;
            return (
              <tr>
                <td title={one.agent}>{sites.placeOf(id, one.agentId)}</td>
                <td>{last ? <StateWord state={STATE[last.state]!} /> : "–"}</td>
                <td class="n">
                  <Uptime of={counted === 0 ? null : (one.up + one.degraded) / counted} />
                </td>
                {STATE.map((state) => <td class="n">{count(one[state])}</td>)}
                <td class="n">
                  <Ms of={last && last.responseCode !== null ? last.responseMs : null} />
                </td>
                <td>{last ? <Ago at={last.ts} now={now} /> : "–"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const DAY_MS = 86_400_000;

/** The chain that was shown last, the site's own certificate first. */
export function Certificates({ chain, now }: { chain: readonly Certificate[]; now: number }) {
  if (chain.length === 0) return <p>None was seen.</p>;
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">subject</th>
            <th scope="col">issuer</th>
            <th scope="col">from</th>
            <th scope="col">to</th>
            <th scope="col" class="n">days left</th>
          </tr>
        </thead>
        <tbody>
          {chain.map(({ subject, issuer, notBefore, notAfter, names, fingerprint }) => (
            <tr>
              <td class="text">
                {subject}
                <details>
                  <summary>names and fingerprint</summary>
                  <p class="text">{names.join(", ")}</p>
                  <code class="text">{fingerprint}</code>
                </details>
              </td>
              <td class="text">{issuer}</td>
              <td>
                <At at={notBefore} />
              </td>
              <td>
                <At at={notAfter} />
              </td>
              <td class="n">{count(Math.floor((notAfter - now) / DAY_MS))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What its response must be, as the dashboard's own config has it. */
export function Rules({ site }: { site: Site | null }) {
  if (site === null) {
    return (
      <p class="dim">
        The dashboard's config has no such site. Start it with the agents' config, and its rules are
        shown here.
      </p>
    );
  }
  const rules = Object.entries(site.rules).filter(([, value]) => value !== null);
  const settings = [
    ["frequency", span(site.frequencyMs)],
    ["timeout", span(site.timeoutMs)],
    ["attempts", String(site.retries.attempts)],
    ...rules.map((
      [key, value],
    ) => [key, key === "valid_status_codes" ? codes(value) : said(value)]),
  ];
  return (
    <dl class="facts">
      {settings.map(([key, value]) => (
        <>
          <dt>{key!.replaceAll("_", " ")}</dt>
          <dd>
            <code>{value}</code>
          </dd>
        </>
      ))}
    </dl>
  );
}

function codes(value: unknown): string {
  return (value as { from: number; to: number }[])
    .map(({ from, to }) => from === to ? from : `${from}-${to}`).join(", ");
}

function said(value: unknown): string {
  return typeof value === "string" || typeof value === "number"
    ? String(value)
    : JSON.stringify(value);
}

export function Results({ results }: { results: readonly LastResult[] }) {
  if (results.length === 0) return <p>None in the last 26 hours.</p>;
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">time</th>
            <th scope="col">verdict</th>
            <th scope="col" class="n">response</th>
            <th scope="col" class="n">status</th>
            <th scope="col">location</th>
            <th scope="col">why</th>
          </tr>
        </thead>
        <tbody>
          {results.map((one) => (
            <tr>
              <td>
                <At at={one.ts} />
              </td>
              <td>
                <StateWord state={one.verdict} />
              </td>
              <td class="n">
                <Ms of={one.responseCode === null ? null : one.responseMs} />
              </td>
              <td class="n">{one.responseCode ?? "–"}</td>
              <td>{one.location ?? "–"}</td>
              <td class="text">{one.verdict === "up" ? "" : whyOf(one)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
