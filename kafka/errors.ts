/** The broker has the connection, and answers nothing. */
export class SilentError extends Error {
  readonly code = "SILENT";
}

/**
 * The broker will never take this message (too large): sending it again cannot help, setting it
 * aside can. Any other rejection of a send is worth a retry.
 */
export class RefusedError extends Error {
  readonly code = "REFUSED";
  /** Kafka's own name of the error, "MESSAGE_TOO_LARGE" for one. */
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(`The broker refuses the message for good: "${reason}"`, options);
    this.name = "RefusedError";
    this.reason = reason;
  }
}
