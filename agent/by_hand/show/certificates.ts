import type { CertificateRecord, TlsRecord } from "../../http/types.ts";
import { cleanLine } from "../../http/text.ts";
import type { Paint, Style } from "./style.ts";

const DAY_MS = 86_400_000;
/** Fewer days than this are shown in yellow. */
const FEW_DAYS = 14;
const MAX_NAMES = 6;

/**
 * What was agreed on, whether the chain verified, and each certificate of it.
 *
 * @param now Wall clock, milliseconds since 1970
 */
export function tlsLines(tls: TlsRecord, now: number, { paint }: Style): string[] {
  const verified = tls.authorized
    ? paint("green", "verified")
    : paint("red", `not verified: ${cleanLine(tls.authorizationError ?? "", 200)}`);
  const session = [tls.protocol, tls.cipher].filter((part) => part !== null).join(", ");
  return [
    session === "" ? verified : `${session}, ${verified}`,
    ...tls.chain.flatMap((certificate, depth) => certificateLines(certificate, depth, now, paint)),
  ];
}

function certificateLines(
  certificate: CertificateRecord,
  depth: number,
  now: number,
  paint: Paint,
): string[] {
  const indent = "  ".repeat(depth);
  const { subject, issuer, names, notAfter, notBefore, fingerprint256 } = certificate;
  const issued = subject === issuer ? "self-signed" : `issued by ${cleanLine(issuer, 160)}`;
  const lines = [
    `${indent}└ ${paint("bold", cleanLine(subject, 160) || "(no subject)")}`,
    `${indent}    ${validity(notBefore, notAfter, now, paint)}; ${issued}`,
  ];
  if (depth > 0) return lines;
  const shown = names.slice(0, MAX_NAMES).map((name) => cleanLine(name, 80)).join(", ");
  const more = names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : "";
  if (shown !== "") lines.push(`${indent}    ${shown}${more}`);
  lines.push(paint("dim", `${indent}    SHA-256 ${fingerprint256}`));
  return lines;
}

function validity(notBefore: number, notAfter: number, now: number, paint: Paint): string {
  const days = Math.floor((notAfter - now) / DAY_MS);
  if (now < notBefore) return paint("red", `not valid before ${day(notBefore)}`);
  if (now > notAfter) return paint("red", `expired on ${day(notAfter)}`);
  const text = `${days} ${days === 1 ? "day" : "days"} left, until ${day(notAfter)}`;
  return paint(days < FEW_DAYS ? "yellow" : "green", text);
}

/** "2026-03-01 12:00 UTC" */
function day(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "an unknown day";
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
