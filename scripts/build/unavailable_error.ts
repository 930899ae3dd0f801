/** Something that is downloaded cannot be had here; the message says what, and what to do. */
export class UnavailableError extends Error {
  readonly code = "UNAVAILABLE";
}
