import type { Audit } from "../audit.ts";
import type { agentCounts, LogLine } from "../logs.ts";
import type { Screen } from "./screen.ts";

/** Lines of trouble that are shown; the logs have the rest. */
const MOST_TROUBLE = 5;

/** What a demo ended with. */
export interface Outcome {
  seconds: number;
  /** The agent's own counts; null where it did not log them. */
  agent: ReturnType<typeof agentCounts>;
  audit: Audit;
  trouble: readonly (LogLine & { mode: string })[];
  /** Whether agent and writer ended with exit code 0. */
  endedWell: boolean;
}

/** Nothing lost, nothing twice, nothing failed. */
export function isGood(outcome: Outcome): boolean {
  return outcome.endedWell && lostInAll(outcome) === 0 && outcome.audit.duplicates === 0;
}

/** Results that are nowhere: not in the tables, not in the dead letters, not waiting in the outbox. */
export function lostInAll({ agent, audit }: Outcome): number {
  if (agent === null) return audit.lost;
  const accounted = agent.published + agent.waiting + agent.refused;
  // Dropped ones are among what was checked and is not accounted for. What an earlier run left in
  // the outbox is published without having been checked in this one.
  const inAgent = Math.max(0, agent.checked - accounted);
  const inBroker = Math.max(0, agent.published - audit.records);
  return audit.lost + inAgent + inBroker;
}

/** Prints what became of every result. */
export function printSummary(screen: Screen, outcome: Outcome): void {
  const { agent, audit } = outcome;
  const { paint } = screen;
  const lost = lostInAll(outcome);
  const line = (title: string, value: number | string, note = "", bad = false) =>
    screen.print(
      `  ${title.padEnd(14)} ${paint(bad ? "red" : "bold", String(value).padStart(8))}` +
        (note && `   ${paint("dim", note)}`),
    );
  screen.print();
  screen.print(paint("bold", `After ${outcome.seconds.toFixed(1)} s of checking`));
  line("checked", agent?.checked ?? "unknown", "results that the agent measured");
  line("published", agent?.published ?? "unknown", "acknowledged by Kafka");
  line("written", audit.written, "rows in mon_daily, held against the topic");
  line("dead letters", audit.deadLetters);
  line("lost", lost, "", lost > 0);
  line("duplicates", audit.duplicates, "", audit.duplicates > 0);
  if (agent !== null && agent.waiting > 0) {
    line("in the outbox", agent.waiting, "not acknowledged yet; an agent's next start sends them");
  }
  if (!outcome.endedWell) {
    screen.print(paint("red", "  The agent or the writer ended with an error"));
  }
  printTrouble(screen, outcome.trouble);
}

function printTrouble(screen: Screen, trouble: Outcome["trouble"]): void {
  if (trouble.length === 0) return;
  screen.print();
  screen.print(screen.paint("yellow", `Logged at WARN or above: ${trouble.length}`));
  for (const { mode, level, msg } of trouble.slice(0, MOST_TROUBLE)) {
    screen.print(`  ${mode} ${level}: ${msg}`.slice(0, screen.width));
  }
  if (trouble.length > MOST_TROUBLE) {
    screen.print(`  and ${trouble.length - MOST_TROUBLE} more in the logs`);
  }
}
