/**
 * Why a message can never be stored. These names stand in the `reason` of dead letters, so they are
 * for good.
 */
export type DecodeReason =
  | "null_value"
  | "empty_value"
  | "too_large"
  | "bad_utf8"
  | "bad_json"
  | "not_an_object"
  | "missing_field"
  | "wrong_type"
  | "bad_value"
  | "nul_character";

/** Leaves the readers for `decode`, which turns it into a value. */
export class Bad extends Error {
  readonly reason: DecodeReason;

  constructor(reason: DecodeReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
