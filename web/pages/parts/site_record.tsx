import type { Site } from "../../../config/types.ts";
import { DAY_MS } from "../../data/past/history.ts";
import { type Seen, STATES } from "../../data/now/judge.ts";
import type { Certificate, Failure, FromAgent, Result } from "../../data/past/site.ts";
import { uptimeOf } from "../../data/past/ring.ts";
import { Ago, At, Ms, StateWord, Table, Uptime } from "./basics.tsx";
import { count, plural, span } from "./format.ts";
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
          <Answer evidence={failure.evidence} />
        </>,
        plural(failure.agents, "agent"),
      ])}
    />
  );
}

function Answer({ evidence }: Pick<Failure, "evidence">) {
  if (evidence === null) return null;
  const { at, statusLine, headers, body } = evidence;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
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
      none="None was seen."
      rows={of.map(({ subject, issuer, notBefore, notAfter, names, fingerprint }) => [
        <>
          {subject}
          <details>
            <summary>names and fingerprint</summary>
            {names.join(", ")} <code>{fingerprint}</code>
          </details>
        </>,
        issuer,
        <At at={notBefore} />,
        <At at={notAfter} />,
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
        <At at={one.ts} />,
        <StateWord state={one.maintenance ? "maintenance" : one.verdict} />,
        <Ms of={one.responseCode === null ? null : one.responseMs} />,
        one.responseCode ?? "–",
        one.location ?? "–",
        one.verdict === "up" ? "" : whyOf(one),
      ])}
    />
  );
}
