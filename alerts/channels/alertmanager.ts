import type { Incident } from "../message/message.ts";
import { wordsOf } from "../message/words.ts";
import { headers, oneOrMore, url } from "./fields.ts";
import { channelKind, type SendDeps, SendError } from "./kind.ts";
import { post } from "./post.ts";

/** What is not told of again within this is over, by Alertmanager's count; it is told each minute. */
const ALIVE_MS = 300_000;
/** Alerts of one request. */
const BATCH = 500;
const URLS = "the URL of an Alertmanager, or a list of those of a cluster";

/** Alertmanager's API v2: an alert an incident, so that its own routes, groups and silences hold. */
export const alertmanager = channelKind({
  type: "alertmanager",
  keys: {
    /** Without /api/v2/alerts; each of a cluster is told, as they do not share alerts. */
    url: oneOrMore(url(), URLS),
    headers: headers(),
  },
  secrets: ["headers"],
  ignores: ["reminder", "acknowledged"],
  send: ({ incidents, event }, channel, deps) =>
    tell(incidents.map((one) => toAlert(one, deps.nowMs, event === "test")), channel, deps),
  keepAlive: (incidents, channel, deps) =>
    tell(incidents.map((one) => toAlert(one, deps.nowMs)), channel, deps),
});

type Alert = ReturnType<typeof toAlert>;

/** One that takes it is enough; the others are told again within a minute. */
async function tell(
  alerts: readonly Alert[],
  { url, headers }: { url: string | string[]; headers?: Readonly<Record<string, string>> | null },
  deps: SendDeps,
): Promise<string> {
  const answers = await Promise.allSettled(
    [url].flat().map(async (one) => {
      let answer = "";
      for (let n = 0; n < alerts.length; n += BATCH) {
        const body = alerts.slice(n, n + BATCH);
        const place = `${one.replace(/\/$/, "")}/api/v2/alerts`;
        answer = await post(place, { headers: headers ?? {}, body }, deps);
      }
      return answer;
    }),
  );
  const taken = answers.find((answer) => answer.status === "fulfilled");
  if (taken) return taken.value;
  const [failed] = answers;
  throw failed?.status === "rejected" ? failed.reason : new SendError("There is nobody to tell");
}

/** The labels are the same each time: by them Alertmanager knows the alert. */
export function toAlert(incident: Incident, now: number, isTest = false) {
  const { site, url, kind, severity, openedAt, closedAt, labels, link } = incident;
  const { title, text } = wordsOf(
    {
      key: "",
      thread: "",
      event: "opened",
      includesOpening: false,
      incidents: [incident],
      left: 1,
    },
    now,
  );
  const words = kind.split("_").map((word) => word[0]!.toUpperCase() + word.slice(1));
  return {
    labels: {
      ...labels,
      alertname: `${isTest ? "Test" : "Httpmon"}${words.join("")}`,
      ...{ site, kind, severity },
      ...url && { instance: url },
    },
    annotations: { summary: title, description: text },
    startsAt: openedAt,
    endsAt: closedAt ?? new Date(now + (isTest ? 60_000 : ALIVE_MS)).toISOString(),
    ...link && { generatorURL: link },
  };
}
