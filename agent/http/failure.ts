import { clip, httpError } from "./errors.ts";
import type { FailureClass, HttpError } from "./types.ts";

/** Ends an exchange from within; what is recorded of it is `error`. Never leaves this folder. */
export class ExchangeFailure extends Error {
  override name = "ExchangeFailure";
  readonly error: HttpError;

  constructor(error: HttpError) {
    super(error.message);
    this.error = error;
  }
}

/** A failure of the proxy's, or on the way to it. */
export function atProxy({ class: failureClass, message }: HttpError): HttpError {
  return { class: failureClass, message: clip(`proxy: ${message}`), atProxy: true };
}

/** An ExchangeFailure of this class. */
export function failure(failureClass: FailureClass, detail = ""): ExchangeFailure {
  return new ExchangeFailure(httpError(failureClass, detail));
}
