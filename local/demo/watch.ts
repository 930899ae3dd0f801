import { type Clock, sleep } from "../../runtime/clock.ts";
import { endedByItself, type Program } from "./programs.ts";
import type { Screen } from "./show/screen.ts";
import { drawStatus, statusLine, type StatusReader } from "./show/status.ts";
import { renderTable } from "./show/table.ts";

const FIRST_ROW_MS = 180_000;
const REFRESH_MS = 500;
/** Between two lines where there is no terminal. */
const PLAIN_MS = 5_000;

/** What is watched, and until when. */
export interface Watched {
  reader: StatusReader;
  /** Both must go on running. */
  programs: readonly Program[];
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Waits for the first row, or for the signal to stop.
 *
 * @returns what to say of it
 * @throws if a program ends by itself, or no row comes within three minutes
 */
export async function firstRow({ reader, programs, clock, signal }: Watched): Promise<string> {
  const deadline = clock.monotonic() + FIRST_ROW_MS;
  while (!signal.aborted) {
    await throwIfEnded(programs);
    if ((await reader.read()).written > 0) return "through Kafka into PostgreSQL";
    if (clock.monotonic() > deadline) throw new Error("No result came into the tables");
    await sleep(clock, 100, signal);
  }
  return "asked to stop before it came";
}

/**
 * Shows how things stand until the signal, or until `endAt` on the monotonic clock. A terminal has
 * a live area, everything else a line now and then and the table at the end.
 *
 * @throws if a program ends by itself
 */
export async function watch(
  { reader, programs, clock, signal }: Watched,
  screen: Screen,
  times: { start: number; endAt: number },
  hints: readonly string[],
): Promise<void> {
  const seconds = () => (clock.monotonic() - times.start) / 1000;
  let nextLine = times.start + PLAIN_MS;
  while (true) {
    await throwIfEnded(programs);
    const status = await reader.read();
    drawStatus(screen, status, seconds(), hints);
    if (!screen.isTerminal && clock.monotonic() >= nextLine) {
      screen.print(statusLine(status, seconds()));
      nextLine += PLAIN_MS;
    }
    const left = times.endAt - clock.monotonic();
    if (signal.aborted || left <= 0) {
      screen.keep();
      if (!screen.isTerminal) {
        const size = { width: screen.width, height: Infinity };
        screen.print(["", ...renderTable(status.rows, size, screen.paint)].join("\n"));
      }
      return;
    }
    await sleep(clock, Math.min(REFRESH_MS, left), signal);
  }
}

export async function throwIfEnded(programs: readonly Program[]): Promise<void> {
  const ended = programs.find(({ process }) => process.ended);
  if (ended !== undefined) throw await endedByItself(ended);
}
