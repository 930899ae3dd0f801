import { runConsumerMode } from "../consume/mode.ts";
import { keepHistory } from "../db/history/keep_history.ts";
import { ResultStore } from "../db/store/store.ts";
import { within } from "../runtime/abort.ts";
import type { ExitCode } from "../runtime/cli/exit_codes.ts";
import type { ModeContext } from "../runtime/cli/mode_context.ts";
import { newSpells } from "../runtime/log/spell.ts";
import { addWriterMetrics } from "./metrics.ts";
import { runWriter } from "./run.ts";
import { newWriterStats, recordDeadLetters } from "./stats.ts";

/** For the days ahead, too. */
const MORE_CONNECTIONS = 5;
const CLOSE_MS = 1_000;

/** Mode "writer": stores what the topic brings until it is asked to stop. */
export async function writerMode(context: ModeContext): Promise<ExitCode> {
  const { config, clock } = context;
  const stats = newWriterStats(clock.monotonic());
  return await runConsumerMode(context, {
    mode: "writer",
    name: "writer",
    listen: config.writer.listen,
    stats,
    addMetrics: (metrics) => addWriterMetrics(metrics, stats),
    moreConnections: MORE_CONNECTIONS,
  }, async (deps) => {
    const spells = newSpells(clock);
    const store = new ResultStore(deps.pool, {
      ...deps,
      onDeadLetters: (reasons) => recordDeadLetters(stats, reasons),
    });
    const upkeep = config.writer.maintain
      ? keepHistory({ ...config.database!, ...deps, spell: spells.database })
      : Promise.resolve();
    await runWriter(config, { ...deps, store, spells });
    await within(clock, CLOSE_MS, upkeep);
  });
}
