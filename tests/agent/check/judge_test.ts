import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { type FailureClass, FAILURES } from "../../../agent/http/errors.ts";
import { type AgentState, ERROR_CLASSES, judge } from "../../../agent/check/judge.ts";
import type { RuleName, RuleOutcome } from "../../../agent/rules/index.ts";

/** What went wrong: a failure, and where; the rules that were not kept; or what else. */
type Seen =
  | FailureClass
  | `proxy: ${FailureClass}`
  | "looked up: timeout"
  | RuleName[]
  | "no check"
  | "no inspection";

const well = {};
const stalled = { loopDelayMs: 1_000 };
const hardlyStalled = { loopDelayMs: 999 };
const cutOff = { networkLost: true };
const nameless = { resolverLost: true };
const allBad = { loopDelayMs: 60_000, networkLost: true, resolverLost: true };

/** Of a site with a timeout of 10 s, whose rules of time were exceeded by 500 ms. */
const TABLE: [seen: Seen, agent: Partial<AgentState>, expected: string][] = [
  [[], well, "up"],
  [[], allBad, "up"],

  // Rules: the first that fails decides, and whatever says down goes before what a stall explains.
  [["status"], well, "down status (site)"],
  [["min_body_bytes"], well, "down min_body_bytes (site)"],
  [["max_body_bytes"], well, "down max_body_bytes (site)"],
  [["regex"], well, "down regex (site)"],
  [["not_regex"], well, "down not_regex (site)"],
  [["response_headers"], well, "down response_headers (site)"],
  [["json"], well, "down json (site)"],
  [["max_response_time_ms"], well, "down max_response_time_ms (site)"],
  [["certificate_days_left"], well, "degraded certificate_days_left (site)"],
  [["degraded_response_time_ms"], well, "degraded degraded_response_time_ms (site)"],
  [["regex", "json", "certificate_days_left"], well, "down regex (site)"],
  [["status"], allBad, "down status (site)"],
  [["max_response_time_ms"], { loopDelayMs: 499 }, "down max_response_time_ms (site)"],
  [["max_response_time_ms"], { loopDelayMs: 500 }, "unknown local_stall (agent)"],
  [["degraded_response_time_ms"], { loopDelayMs: 500 }, "unknown local_stall (agent)"],
  [["json", "max_response_time_ms"], stalled, "down json (site)"],
  [["certificate_days_left"], stalled, "degraded certificate_days_left (site)"],
  [["certificate_days_left"], cutOff, "degraded certificate_days_left (site)"],
  ["no inspection", well, "unknown local_error (agent)"],
  ["no check", well, "unknown local_late (agent)"],

  // A site alone that fails.
  ["timeout", well, "down timeout (site)"],
  ["dns_not_found", well, "down dns_not_found (site)"],
  ["dns_failed", well, "down dns_failed (site)"],
  ["connection_refused", well, "down connection_refused (site)"],
  ["connection_reset", well, "down connection_reset (site)"],
  ["connection_timeout", well, "down connection_timeout (site)"],
  ["connection_failed", well, "down connection_failed (site)"],
  ["unreachable", well, "down unreachable (site)"],
  ["tls_failed", well, "down tls_failed (site)"],

  // What is the machine's, whatever else.
  ["no_descriptors", well, "unknown local_descriptors (agent)"],
  ["no_memory", well, "unknown local_memory (agent)"],
  ["no_permission", well, "unknown local_permission (agent)"],
  ["no_route", well, "unknown local_network (network)"],
  ["resolver_silent", well, "unknown local_resolver (agent)"],
  ["no_token", well, "unknown local_auth (agent)"],
  ["not_made", well, "unknown local_error (agent)"],
  ["no_descriptors", allBad, "unknown local_descriptors (agent)"],
  ["proxy: no_descriptors", well, "unknown local_descriptors (agent)"],
  ["proxy: no_route", well, "unknown local_network (network)"],

  // The proxy's.
  ["proxy: timeout", well, "unknown local_proxy (proxy)"],
  ["proxy: connection_refused", well, "unknown local_proxy (proxy)"],
  ["proxy: dns_not_found", well, "unknown local_proxy (proxy)"],
  ["proxy: not_made", well, "unknown local_proxy (proxy)"],
  ["proxy: bad_http", allBad, "unknown local_proxy (proxy)"],

  // A stall, from a tenth of the site's timeout on, and of what a stall can cause.
  ["timeout", stalled, "unknown local_stall (agent)"],
  ["timeout", hardlyStalled, "down timeout (site)"],
  ["connection_reset", stalled, "unknown local_stall (agent)"],
  ["connection_timeout", stalled, "unknown local_stall (agent)"],
  ["connection_failed", stalled, "unknown local_stall (agent)"],
  ["tls_failed", stalled, "unknown local_stall (agent)"],
  ["body_aborted", well, "down body_aborted (site)"],
  ["body_aborted", stalled, "unknown local_stall (agent)"],
  ["dns_failed", stalled, "unknown local_stall (agent)"],
  ["dns_not_found", stalled, "down dns_not_found (site)"],
  ["connection_refused", stalled, "down connection_refused (site)"],
  ["unreachable", stalled, "down unreachable (site)"],

  // A network that is away, and what it can cause.
  ["timeout", cutOff, "unknown local_network (network)"],
  ["dns_not_found", cutOff, "unknown local_network (network)"],
  ["dns_failed", cutOff, "unknown local_network (network)"],
  ["connection_refused", cutOff, "unknown local_network (network)"],
  ["connection_reset", cutOff, "unknown local_network (network)"],
  ["connection_timeout", cutOff, "unknown local_network (network)"],
  ["connection_failed", cutOff, "unknown local_network (network)"],
  ["unreachable", cutOff, "unknown local_network (network)"],
  ["dns_failed", nameless, "unknown local_resolver (agent)"],
  ["dns_failed", { ...cutOff, ...nameless }, "unknown local_resolver (agent)"],
  ["dns_not_found", nameless, "down dns_not_found (site)"],
  ["timeout", nameless, "down timeout (site)"],
  ["looked up: timeout", nameless, "unknown local_resolver (agent)"],
  ["looked up: timeout", well, "down timeout (site)"],

  // What the site says by itself stays the site's, however the agent is.
  ...([
    "tls_certificate_expired",
    "tls_certificate_untrusted",
    "tls_certificate_name",
    "too_many_redirects",
    "bad_redirect",
    "redirect_denied",
    "bad_http",
    "bad_chunk",
    "headers_too_large",
    "bad_encoding",
  ] as const).map((failure): (typeof TABLE)[number] => [failure, allBad, `down ${failure} (site)`]),
];

function outcome(rule: RuleName): RuleOutcome {
  return {
    rule,
    ok: false,
    expected: "",
    found: "",
    ...(rule.includes("time") && { overMs: 500 }),
  };
}

function judged(seen: Seen, agent: Partial<AgentState>) {
  const state = { loopDelayMs: 0, networkLost: false, resolverLost: false, ...agent };
  if (seen === "no check") return judge(null, [], state);
  const facts = { error: null, inspected: true, timeoutMs: 10_000 };
  if (seen === "no inspection") return judge({ ...facts, inspected: false }, [], state);
  if (Array.isArray(seen)) {
    return judge(facts, [{ ...outcome("status"), ok: true }, ...seen.map(outcome)], state);
  }
  const atProxy = seen.startsWith("proxy: ");
  const atLookup = seen.startsWith("looked up: ");
  const failure = seen.replace(/^.*: /, "") as FailureClass;
  const error = { class: failure, message: "It failed", atProxy, atLookup };
  return judge({ ...facts, error }, [], state);
}

for (const [seen, agent, expected] of TABLE) {
  const state = Object.entries(agent).map(([key, value]) => `${key} ${value}`).join(", ");
  Deno.test(`judge() of ${seen} where the agent is ${state || "well"}: ${expected}`, () => {
    const { verdict, reason, whose, errorClass } = judged(seen, agent);
    assertEquals([verdict, reason, whose && `(${whose})`].filter(Boolean).join(" "), expected);
    assertEquals(errorClass, Array.isArray(seen) && whose !== "agent" ? null : reason);
  });
}

Deno.test("the table has each failure, and gives each class that a result may name", () => {
  const seen = new Set(TABLE.map(([seen]) => String(seen)));
  // The check that is cut short gives no result.
  assertEquals(FAILURES.filter((failure) => !seen.has(failure)), ["aborted"]);
  const given = new Set(TABLE.map(([, , expected]) => expected.split(" ")[1]));
  assertEquals(ERROR_CLASSES.filter((each) => !given.has(each)), ["aborted"]);
});

Deno.test("judge() tells a person what it was, and what it looked like", () => {
  const message = (seen: Seen, agent: Partial<AgentState> = {}) => judged(seen, agent).errorMessage;
  assertEquals(message("timeout"), "It failed");
  assertEquals(message("no_memory"), "It failed");
  assertEquals(message(["status"]), null);
  assertEquals(message("no inspection"), null);
  assertEquals(message(["max_response_time_ms"], stalled), null);
  assertEquals(
    message("timeout", { loopDelayMs: 45_000 }),
    'This agent was stalled: for 45.0 s; then "timeout"',
  );
  assertEquals(message("timeout", cutOff), "This machine has no network: It failed");
  assertEquals(message("dns_failed", nameless), "This machine's resolver fails: It failed");
  assertEquals(message("proxy: timeout"), "The proxy does not serve this agent: It failed");
});

Deno.test("docs/error-classes.md lists exactly the error classes, each as the table judges it", () => {
  const text = readFileSync(new URL("../../../docs/error-classes.md", import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  const cells = rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(cells.map(([name]) => name!.replaceAll("`", "")), [...ERROR_CLASSES]);
  for (const [name, whose, ...rest] of cells) {
    assertEquals(rest.length, 3, name);
    assert(rest.every((cell) => cell !== ""), name);
    const line = TABLE.find(([, , expected]) =>
      expected.split(" ")[1] === name!.replaceAll("`", "")
    );
    if (line) assertEquals(line[2].split("(")[1], `${whose})`, name);
  }
});

Deno.test("whose fault it was is said in agent/check/judge.ts alone", async () => {
  const wrong: string[] = [];
  const look = async (folder: URL): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const at = new URL(isDirectory ? `${name}/` : name, folder);
      if (isDirectory) await look(at);
      else if (name !== "judge.ts" && (await Deno.readTextFile(at)).includes("local_")) {
        wrong.push(at.pathname);
      }
    }
  };
  await look(new URL("../../../agent/", import.meta.url));
  assertEquals(wrong, []);
});
