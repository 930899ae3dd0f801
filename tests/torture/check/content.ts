/** What a result says beside its identity, to be compared between a message and its row. */

/** All of a message that is stored, but for its identity. */
const FIELDS = [
  ...["site", "regexResult", "responseCode", "responseTime", "errorMessage", "verdict", "reason"],
  ...["errorClass", "lateness", "frequency", "slots", "attempts", "firstReason", "loopDelay"],
  ...["phases", "bodyBytes", "bodyTruncated", "remoteAddress", "httpVersion", "redirects", "tls"],
  ...["location", "labels", "siteLabels", "maintenance", "evidence"],
];

/** What a field means where it is not there; no labels are none. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  ...{ slots: 1, attempts: 1, maintenance: false, labels: {}, siteLabels: {} },
};

type Told = Readonly<Record<string, unknown>>;

/** Whether two say the same, results or rows. */
export function saySame(one: Told, other: Told): boolean {
  return FIELDS.every((field) => isSame(valueOf(one, field), valueOf(other, field)));
}

function valueOf(told: Told, field: string): unknown {
  return told[field] ?? DEFAULTS[field] ?? null;
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one === "number" && typeof other === "number") {
    // Fractions have four bytes in the tables.
    return !(Number.isInteger(one) && Number.isInteger(other)) &&
      Math.fround(one) === Math.fround(other);
  }
  if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other)) {
    return false;
  }
  const keys = keysOf(one);
  return keys.length === keysOf(other).length && keys.every((key) => isSame(one[key], other[key]));
}

function isObject(value: unknown): value is Told {
  return typeof value === "object" && value !== null;
}

/** The chain that was shown is kept apart from the rest of `tls`. */
function keysOf(told: Told): string[] {
  return Object.keys(told).filter((key) => key !== "chain");
}
