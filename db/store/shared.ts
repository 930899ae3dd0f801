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

/** So many things of a kind are remembered; with 400 bytes each, some MB of all kinds. */
const MOST_KNOWN = 20_000;

/** Things of one kind that were needed before: their hashes cost more than all else of a result. */
class KnownThings {
  #newer = new Map<string, Thing>();
  #older = new Map<string, Thing>();

  /** @param key Tells the thing from others, more cheaply than its identity */
  get(key: string, make: () => Thing): Thing {
    let thing = this.#newer.get(key);
    if (thing) return thing;
    thing = this.#older.get(key) ?? make();
    if (this.#newer.size >= MOST_KNOWN / 2) [this.#older, this.#newer] = [this.#newer, new Map()];
    this.#newer.set(key, thing);
    return thing;
  }
}

/** What a store remembers from batch to batch. */
export type Known = Readonly<Record<Kind, KnownThings>>;

export function nothingKnown(): Known {
  return byKind(() => new KnownThings());
}

export function byKind<T>(make: (kind: Kind) => T): Record<Kind, T> {
  return Object.fromEntries(KINDS.map((kind) => [kind, make(kind)])) as Record<Kind, T>;
}

/** The things of one kind that a batch needs, without repetition. */
export class Things {
  readonly list: Thing[] = [];
  readonly #places = new Map<string, number>();
  readonly #known: KnownThings;

  constructor(known: KnownThings) {
    this.#known = known;
  }

  /**
   * @param key Tells the thing from others, more cheaply than its identity
   * @returns The thing's place, from 1 on as PostgreSQL counts
   */
  place(key: string, make: () => Thing): number {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.list.push(this.#known.get(key, make));
      this.#places.set(key, place);
    }
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

/** No text has a lone surrogate or U+0000: none can be mistaken for what is none, or for two. */
const [NULL, UNDEFINED, END] = ["\ud800", "\udc00", "\0"];

function keyOf(values: readonly unknown[]): string {
  let key = "";
  for (const value of values) {
    key += value === null ? NULL : value === undefined ? UNDEFINED : value;
    key += END;
  }
  return key;
}

function keyOfLabels(labels: Readonly<Record<string, string>> | undefined): string {
  let key = "";
  for (const name in labels) key += name + END + labels[name] + END;
  return key + NULL;
}

function placeOfContext(
  { location, labels, siteLabels, frequency }: ResultMessage,
  things: Things,
): number | null {
  const isBare = orNull(labels) === null && orNull(siteLabels) === null;
  if (location === undefined && frequency === undefined && isBare) return null;
  const key = keyOf([location, frequency]) + keyOfLabels(labels) + keyOfLabels(siteLabels);
  return things.place(key, () => ({
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
  return things.place(keyOf(values), () => ({
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
  return things.place(keyOf(values), () => ({
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
  for (const _ in labels) return labels;
  return null;
}
