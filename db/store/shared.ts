/** What results share: each thing once, found in the tables by a hash of its content that is made here. */
import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import type { ResultMessage } from "../../wire/message.ts";
import { formatTimestamp, parseTimestamp } from "../../wire/timestamp.ts";
import { bytesOf, utc } from "./values.ts";

/** The tables of what is shared. */
export const KINDS = ["agents", "sites", "contexts", "connections", "reasons"] as const;
export type Kind = typeof KINDS[number];

/** A thing of one of the tables: its identity and what else the table's columns hold. */
export interface Thing extends Record<string, unknown> {
  identity: string;
}

/** The things of one kind that a batch needs, without repetition. */
export class Things {
  readonly list: Thing[] = [];
  readonly #places = new Map<string, number>();

  /**
   * @param key Tells the thing from others, more cheaply than its identity
   * @returns The thing's place, from 1 on as PostgreSQL counts
   */
  place(key: string, make: () => Thing): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.list.push(make());
    this.#places.set(key, place);
    return place;
  }
}

/** Adds what `message` shares, and gives the places; null where it has nothing of the kind. */
export function placesOf(message: ResultMessage, things: Record<Kind, Things>) {
  const { agentUUID, url, site } = message;
  return {
    agent: things.agents.place(agentUUID, () => ({ identity: agentUUID })),
    site: things.sites.place(site === undefined ? url : `${site}\0${url}`, () => ({
      identity: siteIdentity(site ?? null, url),
      name: site ?? null,
      url,
    })),
    context: placeOfContext(message, things.contexts),
    connection: placeOfConnection(message, things.connections),
    reason: placeOfReason(message, things.reasons),
  };
}

function placeOfContext(
  { location, labels, siteLabels, frequency }: ResultMessage,
  things: Things,
): number | null {
  const isBare = orNull(labels) === null && orNull(siteLabels) === null;
  if (location === undefined && frequency === undefined && isBare) return null;
  return things.place(JSON.stringify([location, labels, siteLabels, frequency]), () => ({
    identity: identityOf("context", location, sorted(labels), sorted(siteLabels), frequency),
    location,
    labels: orNull(labels),
    site_labels: orNull(siteLabels),
    frequency,
  }));
}

function placeOfConnection(
  { remoteAddress, httpVersion, tls }: ResultMessage,
  things: Things,
): number | null {
  if (remoteAddress === undefined && httpVersion === undefined && tls === undefined) return null;
  const values = [
    remoteAddress,
    httpVersion,
    ...(tls === undefined ? [] : [
      tls.version,
      tls.cipher,
      tls.verified,
      tls.error,
      tls.expiresAt,
      tls.fingerprint,
    ]),
  ];
  return things.place(JSON.stringify(values), () => ({
    identity: identityOf("connection", ...values.map(inOneForm)),
    remote_address: remoteAddress,
    http_version: httpVersion,
    tls_version: tls?.version,
    cipher: tls?.cipher,
    verified: tls?.verified,
    tls_error: tls?.error,
    expires_at: tls?.expiresAt ? utc(tls.expiresAt) : null,
    fingerprint: tls?.fingerprint ? bytesOf(tls.fingerprint) : null,
  }));
}

/** An address or a time may be written in several ways; what is read back of its column is the same. */
function inOneForm(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (isIPv6(value)) return new URL(`http://[${value}]`).hostname;
  const time = parseTimestamp(value);
  return time === null ? value : formatTimestamp(time);
}

function placeOfReason(
  { reason, errorClass, errorMessage, firstReason }: ResultMessage,
  things: Things,
): number | null {
  if ((reason ?? errorClass ?? errorMessage ?? firstReason ?? null) === null) return null;
  // In the order of carry_over.ts, whose reasons have a message alone.
  const values = [
    reason,
    errorClass,
    errorMessage,
    ...firstReason === undefined ? [] : [firstReason],
  ];
  return things.place(JSON.stringify(values), () => ({
    identity: identityOf("reason", ...values),
    reason,
    error_class: errorClass,
    error_message: errorMessage,
    first_reason: firstReason,
  }));
}

/** As the database's httpmon_site_identity. */
export function siteIdentity(name: string | null, url: string): string {
  return halfHash(`${name === null ? "" : sha256(name)}:${url}`);
}

/** Half a SHA-256 of the values' JSON, as a UUID. */
function identityOf(...values: unknown[]): string {
  return halfHash(JSON.stringify(values));
}

function halfHash(text: string): string {
  return sha256(text).slice(0, 32);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** In one order, whatever the message's is, as jsonb has them; none and an empty one are the same. */
function sorted(labels: Readonly<Record<string, string>> | undefined): [string, string][] {
  return Object.entries(labels ?? {}).sort(([one], [other]) => one < other ? -1 : 1);
}

function orNull(labels: Readonly<Record<string, string>> | undefined) {
  return labels === undefined || Object.keys(labels).length === 0 ? null : labels;
}
