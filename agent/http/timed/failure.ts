import { httpError } from "../errors.ts";
import type { ErrorClass, HttpError } from "../types.ts";

/** Ends an exchange from within; what is recorded of it is `error`. Never leaves this folder. */
export class ExchangeFailure extends Error {
  override name = "ExchangeFailure";
  readonly error: HttpError;

  constructor(error: HttpError) {
    super(error.message);
    this.error = error;
  }
}

/** An ExchangeFailure of this class. */
export function failure(errorClass: ErrorClass, detail = ""): ExchangeFailure {
  return new ExchangeFailure(httpError(errorClass, detail));
}
