import { whole } from "../../config/fields.ts";
import type { RawSite } from "../../config/site/site_checks.ts";
import { DEFAULT_READ_BODY_BYTES } from "../http/body_buffer.ts";
import type { HttpRecord } from "../http/types.ts";
import { rule } from "./rule.ts";

/** A body is held in memory while it is looked at. */
export const MAX_BODY_BYTES = 104_857_600;

/** How many bytes of a body are read: what the config says, else enough for the rule `max_body_bytes`. */
export function bytesRead(readBodyBytes: unknown, maxBodyBytes: unknown): number {
  if (typeof readBodyBytes === "number") return readBodyBytes;
  return Math.max(DEFAULT_READ_BODY_BYTES, typeof maxBodyBytes === "number" ? maxBodyBytes : 0);
}

/** Notes a rule that asks for more than is read. */
function checkIsRead(site: RawSite, key: "min_body_bytes" | "max_body_bytes"): void {
  const read = bytesRead(site.get("read_body_bytes"), site.get("max_body_bytes"));
  const bound = site.get(key);
  if (typeof bound !== "number" || bound <= read) return;
  site.note([key], `expected a "read_body_bytes" no smaller beside it: ${read} are read`);
}

/** The decoded body is that long at least. */
export const minBodyBytes = rule({
  key: "min_body_bytes",
  reason: "min_body_bytes",
  failure: "down",
  schema: whole(0, MAX_BODY_BYTES, "bytes"),
  check(site) {
    site.checkOrder("min_body_bytes", "max_body_bytes");
    checkIsRead(site, "min_body_bytes");
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
  check: (site) => checkIsRead(site, "max_body_bytes"),
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
