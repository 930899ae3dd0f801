import type { Site } from "../../../../config/types.ts";
import { DAY_MS } from "../../../data/past/history.ts";
import { type Seen, STATES } from "../../../data/now/site_state.ts";
import type { Certificate, Failure } from "../../../data/past/failures.ts";
import type { Result } from "../../../data/past/results.ts";
import { uptimeOf } from "../../../data/past/ring.ts";
import type { FromAgent } from "../../../data/past/series.ts";
import { Ago, At, Ms, StateWord, Table, Uptime } from "../basics.tsx";
import { count, exact, plural, span } from "../format.ts";
import { whyOf } from "../why.ts";

/** Runs of failures, each with what the site answered. */
export function Failures({ of, now }: { of: readonly Failure[]; now: number }) {
  return (
    <Table
      of={of}
      none="None in this range."
      columns={{
        "since": ({ started }) => <At at={started} />,
        "#lasted": ({ started, ended }) =>
          ended === null
            ? <StateWord state="down" word={`${span(now - started)}, still`} />
            : span(ended - started),
        "~why": (failure) => (
          <>
            {whyOf(failure)}
            <Answer {...failure} />
          </>
        ),
        "seen by": ({ agents }) => plural(agents, "agent"),
      }}
    />
  );
}

function Answer({ evidence, chain }: Pick<Failure, "evidence" | "chain">) {
  const headers = Object.entries(evidence?.headers ?? {})
    .map(([name, value]) => `${name}: ${value}`);
  const texts = [
    [evidence?.statusLine, ...headers].filter((line) => line != null).join("\n"),
    evidence?.body,
    chain.map(inLines).join("\n\n"),
  ].filter((text) => text);
  if (texts.length === 0) return null;
  return (
    <details>
      <summary>
        {evidence === null ? "the certificates that it showed" : "what it answered"}
      </summary>
      {evidence !== null && (
        <p class="dim">
          at <At at={evidence.at} to="second" />, secrets taken out
        </p>
      )}
      {texts.map((text) => <pre tabindex={0}>{text}</pre>)}
    </details>
  );
}

function inLines(
  { subject, issuer, notBefore, notAfter, names, fingerprint }: Certificate,
): string {
  return [
    `certificate: ${subject}`,
    `issuer: ${issuer}`,
    `valid: ${exact(notBefore)} to ${exact(notAfter)}`,
    ...names.length > 0 ? [`names: ${names.join(", ")}`] : [],
    `SHA-256: ${fingerprint}`,
  ].join("\n");
}

/** What each agent saw. */
export function Locations({ agents, seen, now }: {
  agents: readonly FromAgent[];
  seen: readonly Seen[];
  now: number;
}) {
  const last = new Map(seen.map((one) => [one.agentId, one]));
  return (
    <Table
      of={agents.map((one) => ({ ...one, last: last.get(one.agentId) }))}
      none="No agent reported it in this range."
      columns={{
        "location": ({ agent, place }) => <span title={agent}>{place}</span>,
        "now": ({ last }) => last ? <StateWord state={STATES[last.state]!} /> : "–",
        "#uptime": (one) => <Uptime of={uptimeOf(one)} />,
        ...Object.fromEntries(
          STATES.map((state) => [`#${state}`, (one: FromAgent) => count(one[state])]),
        ),
        "#last response": ({ last }) => (
          <Ms of={last && last.responseCode !== null ? last.responseMs : null} />
        ),
        "last result": ({ last }) => last ? <Ago at={last.ts} now={now} /> : "–",
      }}
    />
  );
}

/** The chain that was shown last, the site's own certificate first. */
export function Certificates({ of, now }: { of: readonly Certificate[]; now: number }) {
  return (
    <Table
      of={of}
      none="None was seen: no result of it has come over TLS."
      columns={{
        "~subject": ({ subject, names, fingerprint }) => (
          <>
            {subject}
            <details>
              <summary>names and fingerprint</summary>
              {names.join(", ")} <code>{fingerprint}</code>
            </details>
          </>
        ),
        "~issuer": ({ issuer }) => issuer,
        "from": ({ notBefore }) => <At at={notBefore} to="day" />,
        "to": ({ notAfter }) => <At at={notAfter} to="day" />,
        "#days left": ({ notAfter }) => count(Math.floor((notAfter - now) / DAY_MS)),
      }}
    />
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
  const said = (value: unknown) =>
    typeof value === "object" ? JSON.stringify(value) : String(value);
  const { valid_status_codes, ...rules } = site.rules;
  return (
    <Table
      narrow
      of={[
        ["frequency", span(site.frequencyMs)],
        ["timeout", span(site.timeoutMs)],
        ["attempts", site.retries.attempts],
        ["valid status codes", (valid_status_codes ?? []).map(codes).join(", ")],
        ...Object.entries(rules).filter(([, value]) => value !== null)
          .map(([key, value]) => [key.replaceAll("_", " "), <code>{said(value)}</code>]),
      ]}
      columns={{ "rule": ([rule]) => rule, "~value": ([, value]) => value }}
    />
  );
}

function codes({ from, to }: { from: number; to: number }): string {
  return from === to ? String(from) : `${from}-${to}`;
}

export function Results({ of }: { of: readonly Result[] }) {
  return (
    <Table
      of={of}
      none="None in the last 26 hours."
      columns={{
        "time": ({ ts }) => <At at={ts} to="second" />,
        "verdict": ({ maintenance, verdict }) => (
          <StateWord state={maintenance ? "maintenance" : verdict} />
        ),
        "#response": ({ responseCode, responseMs }) => (
          <Ms of={responseCode === null ? null : responseMs} />
        ),
        "#status": ({ responseCode }) => responseCode ?? "–",
        "location": ({ location }) => location ?? "–",
        "~why": (one) => one.verdict === "up" ? "" : whyOf(one),
      }}
    />
  );
}
