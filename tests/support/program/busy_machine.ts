/**
 * Whether a line of the agent's log tells of a machine too busy to let it run, which is no fault of the
 * program's.
 *
 * @param error The line's field of that name
 */
export function isOfBusyMachine(message: string, error: unknown): boolean {
  if (message.startsWith("The agent stood still")) return true;
  return message.startsWith("Checks failed for the agent's own trouble") &&
    /did not come to the check in its time|^This agent was stalled/.test(String(error));
}
