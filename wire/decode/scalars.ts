import { isIP } from "node:net";
import { LIMITS } from "../limits.ts";
import { type Verdict, VERDICTS } from "../message.ts";
import { isTimestamp } from "../timestamp.ts";
import { Bad } from "./bad.ts";
import { type Reader, wrongType } from "./reader.ts";

const MAX_INT4 = 2_147_483_647;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const FINGERPRINT = /^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/;
const HTTP_VERSION = /^\d(?:\.\d)?$/;

/** At most `LIMITS.text` characters; one beyond U+FFFF is one. */
export const string: Reader<string> = (value, path) => {
  if (typeof value !== "string") throw wrongType(path, "a string", value);
  if (value.includes("\0")) {
    throw new Bad("nul_character", `"${path}" holds U+0000, which PostgreSQL has no room for`);
  }
  // A lone surrogate is no character and cannot be written as UTF-8.
  if (!value.isWellFormed()) throw new Bad("bad_value", `"${path}" holds a lone surrogate`);
  if (value.length > LIMITS.text && [...value].length > LIMITS.text) {
    throw new Bad("bad_value", `"${path}" has over ${LIMITS.text} characters`);
  }
  return value;
};

export const nonEmpty: Reader<string> = (value, path) => {
  const text = string(value, path);
  if (text === "") throw new Bad("bad_value", `"${path}" is empty`);
  return text;
};

export const boolean: Reader<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw wrongType(path, "true or false", value);
  return value;
};

export const int4: Reader<number> = (value, path) => {
  const n = whole(value, path);
  if (Math.abs(n) > MAX_INT4) throw outOfRange(path, n);
  return n;
};

/** How many, at least one. */
export const count: Reader<number> = (value, path) => {
  const n = whole(value, path);
  if (n < 1 || n > MAX_INT4) throw outOfRange(path, n);
  return n;
};

/** More than none. */
export const seconds: Reader<number> = (value, path) => {
  const n = number(value, path);
  if (!(n > 0 && n <= MAX_INT4)) throw outOfRange(path, n);
  return n;
};

/** A number of bytes. */
export const size: Reader<number> = (value, path) => {
  const n = whole(value, path);
  if (n < 0 || n > MAX_INT4) throw outOfRange(path, n);
  return n;
};

export const milliseconds: Reader<number> = (value, path) => {
  const n = number(value, path);
  // mon_daily shows it as an int4, so that is the range; JSON's 1e400 is read as Infinity.
  if (!(n >= 0 && n <= MAX_INT4)) throw outOfRange(path, n);
  return n;
};

/** In the form of `ts`. */
export const timestamp: Reader<string> = (value, path) => {
  const text = string(value, path);
  if (!isTimestamp(text)) throw unlike(path, '"YYYY-MM-DD HH:MM:SS.ffffff"', text);
  return text;
};

/** Gives lower case. */
export const uuid: Reader<string> = (value, path) => {
  const text = string(value, path).toLowerCase();
  if (!UUID.test(text)) throw unlike(path, "a UUID", text);
  return text;
};

/** SHA-256 as "AB:CD:..."; gives upper case. */
export const fingerprint: Reader<string> = (value, path) => {
  const text = string(value, path).toUpperCase();
  if (!FINGERPRINT.test(text)) throw unlike(path, 'a SHA-256 as "AB:CD:..."', text);
  return text;
};

/** An IPv4 or IPv6 address; gives it without a zone ("%eth0"), which PostgreSQL's inet has not. */
export const address: Reader<string> = (value, path) => {
  const text = string(value, path);
  if (isIP(text) === 0) throw unlike(path, "an IP address", text);
  const zone = text.indexOf("%");
  return zone === -1 ? text : text.slice(0, zone);
};

export const httpVersion: Reader<string> = (value, path) => {
  const text = string(value, path);
  if (!HTTP_VERSION.test(text)) throw unlike(path, 'a version such as "1.1"', text);
  return text;
};

export const verdict: Reader<Verdict> = (value, path) => {
  const text = string(value, path);
  if (!VERDICTS.includes(text as Verdict)) {
    throw new Bad("bad_value", `"${path}": expected one of ${VERDICTS.join(", ")}`);
  }
  return text as Verdict;
};

function number(value: unknown, path: string): number {
  if (typeof value !== "number") throw wrongType(path, "a number", value);
  return value;
}

function whole(value: unknown, path: string): number {
  const n = number(value, path);
  if (!Number.isFinite(n)) throw outOfRange(path, n);
  if (!Number.isInteger(n)) throw wrongType(path, "a whole number", value);
  return n;
}

function outOfRange(path: string, n: number): Bad {
  return new Bad("bad_value", `"${path}" is out of range: ${n}`);
}

function unlike(path: string, expected: string, found: string): Bad {
  return new Bad("bad_value", `"${path}": expected ${expected}, found "${found.slice(0, 40)}"`);
}
