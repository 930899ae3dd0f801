/** Values of the message in forms that PostgreSQL reads. */

/** A timestamp of the message, for timestamptz. */
export function utc(timestamp: string): string {
  return `${timestamp}+00`;
}

/** A fingerprint ("AB:CD:..."), for bytea. */
export function bytesOf(fingerprint: string): string {
  return `\\x${fingerprint.replaceAll(":", "")}`;
}

/** A bytea's hexadecimal digits as a fingerprint. */
export function fingerprintOf(hex: string): string {
  return hex.toUpperCase().match(/../g)!.join(":");
}
