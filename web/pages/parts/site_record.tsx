import type { Site } from "../../../config/types.ts";
import { DAY_MS } from "../../data/past/history.ts";
import { type Seen, STATES } from "../../data/now/judge.ts";
import type { Certificate, Failure, FromAgent, Result } from "../../data/past/site.ts";
import { uptimeOf } from "../../data/past/ring.ts";
import { Ago, At, Ms, StateWord, Table, Uptime } from "./basics.tsx";
import { count, exact, plural, span } from "./format.ts";
import { whyOf } from "./why.ts";

/** Runs of failures, each with what the site answered. */
export function Failures({ of, now }: { of: readonly Failure[]; now: number }) {
  return (
    <Table
      head={["since", "#lasted", "~why", "seen by"]}
      none="None in this range."
      rows={of.map((failure) => [
        <At at={failure.started} />,
        failure.ended === null
          ? <StateWord state="down" word={`${span(now - failure.started)}, still`} />
          : span(failure.ended - failure.started),
        <>
          {whyOf(failure)}
          <Answer {...failure} />
        </>,
        plural(failure.agents, "agent"),
      ])}
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
  return (
    <Table
      head={[
        "location",
        "now",
        "#uptime",
        ...STATES.map((state) => `#${state}`),
        "#last response",
        "last result",
      ]}
      none="No agent reported it in this range."
      rows={agents.map((one) => {
        const last = seen.find(({ agentId }) => agentId === one.agentId);
        return [
          <span title={one.agent}>{one.place}</span>,
          last ? <StateWord state={STATES[last.state]!} /> : "–",
          <Uptime of={uptimeOf(one)} />,
          ...STATES.map((state) => count(one[state])),
          <Ms of={last && last.responseCode !== null ? last.responseMs : null} />,
          last ? <Ago at={last.ts} now={now} /> : "–",
        ];
      })}
    />
  );
}

/** The chain that was shown last, the site's own certificate first. */
export function Certificates({ of, now }: { of: readonly Certificate[]; now: number }) {
  return (
    <Table
      head={["~subject", "~issuer", "from", "to", "#days left"]}
      none="None was seen: no result of it has come over TLS."
      rows={of.map(({ subject, issuer, notBefore, notAfter, names, fingerprint }) => [
        <>
          {subject}
          <details>
            <summary>names and fingerprint</summary>
            {names.join(", ")} <code>{fingerprint}</code>
          </details>
        </>,
        issuer,
        <At at={notBefore} to="day" />,
        <At at={notAfter} to="day" />,
        count(Math.floor((notAfter - now) / DAY_MS)),
      ])}
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
      head={["rule", "~value"]}
      rows={[
        ["frequency", span(site.frequencyMs)],
        ["timeout", span(site.timeoutMs)],
        ["attempts", site.retries.attempts],
        ["valid status codes", (valid_status_codes ?? []).map(codes).join(", ")],
        ...Object.entries(rules).filter(([, value]) => value !== null)
          .map(([key, value]) => [key.replaceAll("_", " "), <code>{said(value)}</code>]),
      ]}
    />
  );
}

function codes({ from, to }: { from: number; to: number }): string {
  return from === to ? String(from) : `${from}-${to}`;
}

export function Results({ of }: { of: readonly Result[] }) {
  return (
    <Table
      head={["time", "verdict", "#response", "#status", "location", "~why"]}
      none="None in the last 26 hours."
      rows={of.map((one) => [
        <At at={one.ts} to="second" />,
        <StateWord state={one.maintenance ? "maintenance" : one.verdict} />,
        <Ms of={one.responseCode === null ? null : one.responseMs} />,
        one.responseCode ?? "–",
        one.location ?? "–",
        one.verdict === "up" ? "" : whyOf(one),
      ])}
    />
  );
}
