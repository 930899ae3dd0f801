/**
 * Lets everybody else of this process go on, whatever the machine is doing: what was written to a
 * socket before is read by who waits for it. Not a time: a machine that stands still meanwhile passes
 * one of the turns.
 */
export async function othersTurns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}
