import type { Metrics } from "../../runtime/ops/metrics.ts";

/** What an alerter has sent since it started, by channel, and how all channels were lately. */
export interface SenderStats {
  /** Messages. */
  sent: Record<string, number>;
  /** Tries that failed. */
  failures: Record<string, number>;
  /** Notifications. */
  givenUp: Record<string, number>;
  channels: readonly { name: string; pending: number; oldestS: number; failing: boolean }[];
}

/** All channels are there from the start, at 0. */
export function newSenderStats(names: readonly string[]): SenderStats {
  const none = () => Object.fromEntries(names.map((name) => [name, 0]));
  return { sent: none(), failures: none(), givenUp: none(), channels: [] };
}

/** Those of what is sent; docs/metrics.md lists them. */
export function addSenderMetrics(metrics: Metrics, stats: SenderStats): void {
  const label = "channel";
  const counters = [
    ["messages_sent", "Messages that a channel took.", () => stats.sent],
    ["send_failures", "Tries to send that failed and are made again.", () => stats.failures],
    ["notifications_given_up", "Notifications that nobody took for a day.", () => stats.givenUp],
  ] as const;
  for (const [what, help, read] of counters) {
    metrics.counter({ name: `httpmon_alerter_${what}_total`, help, label }, read);
  }
  const now = (value: (channel: SenderStats["channels"][number]) => number) => () =>
    Object.fromEntries(stats.channels.map((channel) => [channel.name, value(channel)]));
  metrics.gauge({
    name: "httpmon_alerter_notifications_pending",
    help: "Notifications that are due and not sent yet, by whichever alerter.",
    label,
  }, now(({ pending }) => pending));
  metrics.gauge({
    name: "httpmon_alerter_notifications_oldest_age_seconds",
    help: "How long the oldest of them has been due; 0 where there is none.",
    label,
  }, now(({ oldestS }) => oldestS));
  metrics.gauge({
    name: "httpmon_alerter_channel_failing",
    help: "1 while a channel takes nothing, else 0.",
    label,
  }, now(({ failing }) => failing ? 1 : 0));
}
