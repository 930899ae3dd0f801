/** The exit codes of the command line contract. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** What a mode ends with. */
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/**
 * A person can mend this: a wrong argument, config or file, a database that is not there. Shown as
 * its message alone, without a stack.
 */
export class UsageError extends Error {
  readonly code = "USAGE";
}
