import { whole } from "../../config/fields.ts";
import { isGiven } from "../../config/raw.ts";
import type { HttpRecord } from "../http/types.ts";
import { rule } from "./rule.ts";

/** A body is held in memory while it is looked at. */
export const MAX_BODY_BYTES = 104_857_600;

/** The most bytes of a body that are read where the config does not say. */
export const DEFAULT_MAX_BODY_BYTES = 1_048_576;

/** The decoded body is that long at least. */
export const minBodyBytes = rule({
  key: "min_body_bytes",
  reason: "min_body_bytes",
  failure: "down",
  schema: whole(0, MAX_BODY_BYTES, "bytes"),
  check(site) {
    site.checkOrder("min_body_bytes", "max_body_bytes");
    const least = site.get("min_body_bytes");
    if (typeof least !== "number" || least <= DEFAULT_MAX_BODY_BYTES) return;
    if (isGiven(site.get("max_body_bytes"))) return;
    site.note(
      ["min_body_bytes"],
      `expected a larger "max_body_bytes" beside it: without, ${DEFAULT_MAX_BODY_BYTES} are read`,
    );
  },
  outcomes: (least, { record }) => [{
    ok: record.body.length >= least,
    expected: `at least ${least} bytes`,
    found: found(record),
  }],
  summary: (least) => `body >= ${least} B`,
});

/** It is that long at most. Without this rule a long body is cut, and that is no failure. */
export const maxBodyBytes = rule({
  key: "max_body_bytes",
  reason: "max_body_bytes",
  failure: "down",
  schema: whole(1, MAX_BODY_BYTES, "bytes"),
  outcomes: (most, { record }) => [{
    ok: !record.bodyTruncated && record.body.length <= most,
    expected: `at most ${most} bytes`,
    found: found(record),
  }],
  summary: (most) => `body <= ${most} B`,
});

function found({ body, bodyTruncated }: HttpRecord): string {
  return `${bodyTruncated ? "over " : ""}${body.length} bytes`;
}
