import { labelName, quoteRegex, said, seconds, type Settings, type Source } from "./source.ts";
import type { Imported } from "./source.ts";

/** Gatus' endpoints become sites; each condition becomes what rule there is for it. */
export function importGatus(source: Source): Imported["config"] {
  const websites: Record<string, Settings> = {};
  for (const endpoint of [...source.maps("endpoints"), ...source.maps("services")]) {
    const url = endpoint.text("url") ?? "";
    if (!/^https?:\/\//i.test(url) && !url.startsWith("${")) {
      endpoint.loseAll(`only http and https are checked, not "${url.slice(0, 40)}"`);
      continue;
    }
    const group = endpoint.text("group");
    const name = endpoint.text("name") ?? url;
    const key = websites[name] === undefined ? name : `${group ?? "again"}/${name}`;
    websites[key] = siteOf(endpoint, url, group);
  }
  source.loseRest();
  return { websites };
}

function siteOf(endpoint: Source, url: string, group: string | undefined): Settings {
  const client = endpoint.map("client");
  const tls = client.map("tls");
  const oauth2 = client.map("oauth2");
  const labels = endpoint.entriesOfTexts("extra-labels")
    .map(([name, text]) => [labelName(name), text]);
  const rules: Settings = {};
  const statuses = new Set(Array.from({ length: 500 }, (_, i) => 100 + i));
  for (const [i, condition] of endpoint.list("conditions").map(String).entries()) {
    if (!addCondition(condition, rules, statuses)) {
      endpoint.lose("conditions", `no rule stands for ${JSON.stringify(condition)}`, i);
    }
  }
  const [interval, timeout] = [endpoint.take("interval"), client.take("timeout")];
  const tokenUrl = oauth2.text("token-url");
  const settings = said({
    url,
    method: endpoint.text("method"),
    headers: endpoint.take("headers"),
    body: endpoint.text("body"),
    // Gatus' own defaults.
    frequency: interval === undefined ? 60 : seconds(interval) ?? interval,
    timeout: timeout === undefined ? 10 : seconds(timeout) ?? timeout,
    enabled: endpoint.has("enabled", false) ? false : undefined,
    valid_status_codes: rangesOf(statuses),
    ...rules,
    follow_redirects: client.take("ignore-redirect") === true ? false : undefined,
    proxy: client.text("proxy-url"),
    tls: said({
      insecure: client.take("insecure"),
      cert_file: tls.text("certificate-file"),
      key_file: tls.text("private-key-file"),
    }),
    auth: tokenUrl === undefined ? undefined : {
      oauth2: said({
        token_url: tokenUrl,
        client_id: oauth2.text("client-id"),
        client_secret: oauth2.text("client-secret"),
        scope: oauth2.list("scopes").join(" ") || undefined,
      }),
    },
    labels: Object.fromEntries(group === undefined ? labels : [["group", group], ...labels]),
  });
  endpoint.ignore("enabled");
  for (const map of [client, tls, oauth2, endpoint]) map.loseRest();
  return settings;
}

/** Adds what stands for a condition; false where nothing does. */
function addCondition(condition: string, rules: Settings, statuses: Set<number>): boolean {
  const [, left, operator, right] = /^\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(.*?)\s*$/.exec(condition) ??
    [];
  if (left === undefined || operator === undefined || right === undefined) return false;
  switch (left) {
    case "[CONNECTED]":
      return operator === "==" && right === "true";
    case "[STATUS]":
      return keepStatuses(statuses, operator, right);
    case "[RESPONSE_TIME]":
      if (!/^<=?$/.test(operator) || !/^\d+$/.test(right)) return false;
      rules.max_response_time_ms = Math.min(
        Number(right),
        rules.max_response_time_ms as number ?? Infinity,
      );
      return true;
    case "[CERTIFICATE_EXPIRATION]": {
      const left = seconds(right);
      if (!/^>=?$/.test(operator) || left === null) return false;
      rules.certificate_days_left = Math.ceil(left / 86_400);
      return true;
    }
    case "[BODY]":
      if (!/^[!=]=$/.test(operator) || /^any\(/.test(right)) return false;
      return addTo(rules, operator === "==" ? "regex" : "not_regex", regexOf(right));
    default:
      return addJson(rules, left, operator, right);
  }
}

function addTo(rules: Settings, key: string, value: string): true {
  rules[key] = [...(rules[key] as string[] | undefined ?? []), value];
  return true;
}

function keepStatuses(statuses: Set<number>, operator: string, right: string): boolean {
  const numbers = (/^any\((.*)\)$/.exec(right)?.[1] ?? right).split(",").map(Number);
  if (numbers.some(Number.isNaN)) return false;
  const [first = NaN] = numbers;
  const fits: Record<string, (status: number) => boolean> = {
    "==": (status) => numbers.includes(status),
    "!=": (status) => !numbers.includes(status),
    "<": (status) => status < first,
    "<=": (status) => status <= first,
    ">": (status) => status > first,
    ">=": (status) => status >= first,
  };
  const wrong = [...statuses].filter((status) => !fits[operator]!(status));
  if (wrong.length === statuses.size) return false;
  for (const status of wrong) statuses.delete(status);
  return true;
}

/** "200", "400-499". */
function rangesOf(statuses: ReadonlySet<number>): (string | number)[] {
  const ranges: [number, number][] = [];
  for (const status of statuses) {
    const last = ranges.at(-1);
    if (last && last[1] === status - 1) last[1] = status;
    else ranges.push([status, status]);
  }
  return ranges.map(([from, to]) => from === to ? from : `${from}-${to}`);
}

/** A text, or pat(...) with "*" for any characters. */
function regexOf(text: string): string {
  const pattern = /^pat\((.*)\)$/s.exec(text)?.[1] ?? quoted(text);
  const parts = pattern.split("*").map(quoteRegex);
  const isPattern = /^pat\(/.test(text);
  if (!isPattern) return `\\A${quoteRegex(pattern)}\\z`;
  const inner = parts.join("(?s:.*)");
  return `\\A${inner}\\z`.replace(/^\\A\(\?s:\.\*\)/, "").replace(/\(\?s:\.\*\)\\z$/, "");
}

function quoted(text: string): string {
  return /^"(.*)"$/s.exec(text)?.[1] ?? text;
}

/** [BODY].path, len([BODY].path) and has([BODY].path). */
function addJson(rules: Settings, left: string, operator: string, right: string): boolean {
  const [, of, path] = /^(?:(len|has)\()?\[BODY\]\.?([^()]*)\)?$/.exec(left) ?? [];
  if (path === undefined) return false;
  const found = jmespath(path);
  const expression = of === "len"
    ? `length(${found})`
    : of === "has"
    ? `${found} != \`null\``
    : found;
  const pattern = /^pat\((.*)\)$/s.exec(right)?.[1];
  const json = rules.json as Record<string, Settings> | undefined ?? {};
  const add = (path: string, rule: Settings) => {
    if (json[path] !== undefined) return false;
    rules.json = { ...json, [path]: rule };
    return true;
  };
  if (pattern !== undefined) {
    return operator === "==" && add(expression, { matches: regexOf(right) });
  }
  const value = literal(right);
  if (value === undefined) return false;
  if (operator === "==") return add(expression, { equals: value });
  return add(`${expression} ${operator} \`${JSON.stringify(value)}\``, { equals: true });
}

/** "a.b-c[0].d" with quotes where JMESPath needs them. */
function jmespath(path: string): string {
  if (path === "") return "@";
  return path.replace(
    /[^.[\]]+(?=\.|\[|$)/g,
    (name) => /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name),
  ).replace(/^\[/, "@[");
}

/** A number, a boolean, null or a text; undefined for a function or a place. */
function literal(text: string): unknown {
  if (/^\[[A-Z_]+\]|^(?:any|len|has|age)\(/.test(text)) return undefined;
  return /^(?:true|false|null|-?\d+(?:\.\d+)?)$/.test(text) ? JSON.parse(text) : quoted(text);
}
