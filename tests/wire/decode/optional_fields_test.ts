import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { decode, type Decoded } from "../../../wire/decode.ts";
import { encode } from "../../../wire/encode.ts";
import { LIMITS } from "../../../wire/limits.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { certificate, fingerprint, fullMessage } from "../full_message.ts";

function decodeJson(value: unknown): Decoded {
  return decode(new TextEncoder().encode(JSON.stringify(value)));
}

function decoded(changes: object): ResultMessage {
  const found = decodeJson({ ...fullMessage(), ...changes });
  assert(found.ok, found.ok ? "" : found.detail);
  return found.message;
}

function phases(changes: object) {
  return { phases: { ...fullMessage().phases, ...changes } };
}

function redirect(changes: object) {
  return { redirects: [{ ...fullMessage().redirects![0], ...changes }] };
}

function tls(changes: object) {
  return { tls: { ...fullMessage().tls, ...changes } };
}

function inChain(changes: object) {
  return tls({ chain: [certificate(1), { ...certificate(2), ...changes }] });
}

function evidence(changes: object) {
  return { evidence: { ...fullMessage().evidence, ...changes } };
}

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`name${n}`, "x"]));
}

Deno.test("decode() reads every field that encode() wrote", () => {
  const message = fullMessage();
  const text = encode(message);
  assert(!text.includes("\n"));
  assertEquals(decode(new TextEncoder().encode(text)), { ok: true, message });
});

Deno.test("decode() leaves out what it does not know, nested too", () => {
  const message = fullMessage();
  const found = decodeJson({
    ...message,
    phases: { ...message.phases, quic: 3 },
    redirects: message.redirects!.map((each) => ({ ...each, method: "GET" })),
    tls: {
      ...message.tls,
      alpn: "h3",
      chain: message.tls!.chain!.map((each) => ({ ...each, keyBits: 2048 })),
    },
    evidence: { ...message.evidence, screenshot: ["..."] },
  });
  assertEquals(found, { ok: true, message });
});

Deno.test("decode() takes an optional field that is null for one that is not there", () => {
  const message = fullMessage();
  const seven = Object.entries(message).slice(0, 7);
  const optional = Object.keys(message).slice(7);
  const found = decodeJson({
    ...Object.fromEntries(seven),
    ...Object.fromEntries(optional.map((field) => [field, null])),
  });
  assert(found.ok);
  assertEquals(Object.entries(found.message), seven);
  assertEquals("chain" in decoded(tls({ chain: null })).tls!, false);
});

Deno.test("decode() takes what lies at the bounds", () => {
  assertEquals(decoded({ bodyBytes: 0 }).bodyBytes, 0);
  assertEquals(decoded({ bodyBytes: 2 ** 31 - 1 }).bodyBytes, 2 ** 31 - 1);
  assertEquals(decoded({ slots: 2 ** 31 - 1 }).slots, 2 ** 31 - 1);
  assertEquals(decoded({ frequency: 0.001 }).frequency, 0.001);
  assertEquals(decoded({ httpVersion: "2" }).httpVersion, "2");
  assertEquals(Object.keys(decoded({ labels: many(LIMITS.labels) }).labels!).length, LIMITS.labels);
  assertEquals(decoded({ labels: {} }).labels, {});
  assertEquals(decoded({ redirects: [] }).redirects, []);
  const [first] = fullMessage().redirects!;
  const redirects = Array.from({ length: LIMITS.redirects }, () => first);
  assertEquals(decoded({ redirects }).redirects!.length, LIMITS.redirects);
  const chain = Array.from({ length: LIMITS.chain }, (_, n) => certificate(n));
  assertEquals(decoded(tls({ chain })).tls!.chain!.length, LIMITS.chain);
  const names = Array.from({ length: LIMITS.names }, (_, n) => `DNS:${n}.example`);
  assertEquals(decoded(inChain({ names })).tls!.chain![1]!.names.length, LIMITS.names);
  const headers = many(LIMITS.evidenceHeaders);
  assertEquals(decoded(evidence({ headers })).evidence!.headers, headers);
  // A character beyond U+FFFF is one, though JavaScript counts two.
  const body = "\u{1F600}".repeat(LIMITS.text);
  assertEquals(decoded(evidence({ body })).evidence!.body, body);
  const nulls = { version: null, cipher: null, error: null, expiresAt: null, fingerprint: null };
  assertEquals(decoded(tls({ ...nulls, chain: [] })).tls, { ...nulls, verified: false, chain: [] });
  const bare = { statusLine: null, headers: {}, body: null };
  assertEquals(decoded({ evidence: bare }).evidence, bare);
});

Deno.test("decode() brings addresses and fingerprints into one form", () => {
  assertEquals(decoded({ remoteAddress: "fe80::1%eth0" }).remoteAddress, "fe80::1");
  assertEquals(decoded({ remoteAddress: "::ffff:192.0.2.1" }).remoteAddress, "::ffff:192.0.2.1");
  const lower = fingerprint(0xab).toLowerCase();
  assertEquals(decoded(tls({ fingerprint: lower })).tls!.fingerprint, fingerprint(0xab));
  assertEquals(
    decoded(inChain({ fingerprint: lower })).tls!.chain![1]!.fingerprint,
    fingerprint(0xab),
  );
});

Deno.test('decode() keeps a label of the name "__proto__"', () => {
  const text = encode(fullMessage()).replace('"__proto__x"', '"__proto__"');
  const found = decode(new TextEncoder().encode(text));
  assert(found.ok);
  assertEquals(Object.getOwnPropertyDescriptor(found.message.labels, "__proto__")?.value, "y");
});

const BAD: [changes: object, reason: string, detail: string][] = [
  [{ phases: 1 }, "wrong_type", '"phases": expected an object, found number'],
  [{ phases: [] }, "wrong_type", '"phases": expected an object, found array'],
  [{ phases: {} }, "missing_field", '"phases.dns" is missing'],
  [phases({ tls: undefined }), "missing_field", '"phases.tls" is missing'],
  [phases({ dns: "1" }), "wrong_type", '"phases.dns": expected a number, found string'],
  [phases({ connect: null }), "wrong_type", '"phases.connect": expected a number, found null'],
  [phases({ firstByte: -1 }), "bad_value", '"phases.firstByte" is out of range: -1'],
  [phases({ download: 2 ** 31 }), "bad_value", '"phases.download" is out of range'],
  [{ frequency: 0 }, "bad_value", '"frequency" is out of range: 0'],
  [{ frequency: "60" }, "wrong_type", '"frequency": expected a number, found string'],
  [{ slots: 0 }, "bad_value", '"slots" is out of range: 0'],
  [{ slots: 1.5 }, "wrong_type", '"slots": expected a whole number'],
  [{ attempts: 0 }, "bad_value", '"attempts" is out of range: 0'],
  [{ loopDelay: -1 }, "bad_value", '"loopDelay" is out of range: -1'],
  [{ siteLabels: { a: 1 } }, "wrong_type", '"siteLabels.a": expected a string, found number'],
  [
    { location: "x".repeat(LIMITS.text + 1) },
    "bad_value",
    '"location" has over 8192 characters',
  ],
  [{ bodyBytes: "1" }, "wrong_type", '"bodyBytes": expected a number'],
  [{ bodyBytes: 1.5 }, "wrong_type", '"bodyBytes": expected a whole number'],
  [{ bodyBytes: -1 }, "bad_value", '"bodyBytes" is out of range'],
  [{ bodyBytes: 2 ** 53 }, "bad_value", '"bodyBytes" is out of range'],
  [{ bodyTruncated: 1 }, "wrong_type", '"bodyTruncated": expected true or false'],
  [{ remoteAddress: 1 }, "wrong_type", '"remoteAddress": expected a string'],
  [{ remoteAddress: "one.example" }, "bad_value", '"remoteAddress": expected an IP address'],
  [{ remoteAddress: "192.0.2.1:80" }, "bad_value", 'found "192.0.2.1:80"'],
  [{ remoteAddress: "192.0.2.0/24" }, "bad_value", '"remoteAddress"'],
  [{ remoteAddress: "" }, "bad_value", '"remoteAddress"'],
  [{ httpVersion: 1.1 }, "wrong_type", '"httpVersion": expected a string'],
  [{ httpVersion: "HTTP/1.1" }, "bad_value", '"httpVersion": expected a version such as "1.1"'],
  [{ redirects: {} }, "wrong_type", '"redirects": expected an array, found object'],
  [{ redirects: ["/"] }, "wrong_type", '"redirects[0]": expected an object, found string'],
  [redirect({ url: null }), "wrong_type", '"redirects[0].url"'],
  [redirect({ url: "a\0" }), "nul_character", '"redirects[0].url" holds U+0000'],
  [redirect({ status: "301" }), "wrong_type", '"redirects[0].status"'],
  [redirect({ status: 2 ** 31 }), "bad_value", '"redirects[0].status"'],
  [redirect({ ms: -0.5 }), "bad_value", '"redirects[0].ms"'],
  [redirect({ ms: undefined }), "missing_field", '"redirects[0].ms" is missing'],
  [
    { redirects: Array.from({ length: LIMITS.redirects + 1 }, () => redirect({}).redirects[0]) },
    "bad_value",
    '"redirects": expected at most 50 entries, found 51',
  ],
  [{ tls: true }, "wrong_type", '"tls": expected an object, found boolean'],
  [tls({ version: 1.3 }), "wrong_type", '"tls.version"'],
  [tls({ cipher: "\0" }), "nul_character", '"tls.cipher"'],
  [tls({ verified: null }), "wrong_type", '"tls.verified": expected true or false, found null'],
  [tls({ error: undefined }), "missing_field", '"tls.error"'],
  [tls({ expiresAt: "tomorrow" }), "bad_value", '"tls.expiresAt": expected "YYYY-'],
  [tls({ expiresAt: 0 }), "wrong_type", '"tls.expiresAt"'],
  [tls({ fingerprint: "AB:CD" }), "bad_value", '"tls.fingerprint": expected a SHA-256'],
  [tls({ fingerprint: `${fingerprint(1)}:00` }), "bad_value", '"tls.fingerprint"'],
  [tls({ chain: {} }), "wrong_type", '"tls.chain": expected an array'],
  [tls({ chain: [null] }), "wrong_type", '"tls.chain[0]": expected an object, found null'],
  [
    tls({ chain: Array.from({ length: LIMITS.chain + 1 }, (_, n) => certificate(n)) }),
    "bad_value",
    '"tls.chain": expected at most 20 entries, found 21',
  ],
  [inChain({ subject: 1 }), "wrong_type", '"tls.chain[1].subject"'],
  [inChain({ issuer: "\ud800" }), "bad_value", '"tls.chain[1].issuer" holds a lone surrogate'],
  [inChain({ serial: undefined }), "missing_field", '"tls.chain[1].serial"'],
  [inChain({ names: "DNS:a" }), "wrong_type", '"tls.chain[1].names": expected an array'],
  [inChain({ names: ["a", "b\0"] }), "nul_character", '"tls.chain[1].names[1]"'],
  [
    inChain({ names: Array.from({ length: LIMITS.names + 1 }, () => "a") }),
    "bad_value",
    "at most 1000 entries",
  ],
  [inChain({ fingerprint: null }), "wrong_type", '"tls.chain[1].fingerprint"'],
  [inChain({ notBefore: "2026-02-30 00:00:00" }), "bad_value", '"tls.chain[1].notBefore"'],
  [inChain({ notAfter: 1 }), "wrong_type", '"tls.chain[1].notAfter"'],
  [{ location: ["eu"] }, "wrong_type", '"location": expected a string, found array'],
  [{ location: "\0" }, "nul_character", '"location"'],
  [{ labels: [] }, "wrong_type", '"labels": expected an object, found array'],
  [{ labels: { a: 1 } }, "wrong_type", '"labels.a": expected a string, found number'],
  [{ labels: { a: "\0" } }, "nul_character", '"labels.a"'],
  [{ labels: { "a\0": "b" } }, "nul_character", '"labels: a key"'],
  [{ labels: { "": "b" } }, "bad_value", '"labels: a key" is empty'],
  [{ labels: many(LIMITS.labels + 1) }, "bad_value", '"labels": expected at most 64 entries'],
  [{ maintenance: "yes" }, "wrong_type", '"maintenance"'],
  [{ evidence: "..." }, "wrong_type", '"evidence": expected an object, found string'],
  [evidence({ statusLine: 503 }), "wrong_type", '"evidence.statusLine"'],
  [evidence({ headers: null }), "wrong_type", '"evidence.headers": expected an object, found null'],
  [evidence({ headers: { a: ["b"] } }), "wrong_type", '"evidence.headers.a"'],
  [
    evidence({ headers: many(LIMITS.evidenceHeaders + 1) }),
    "bad_value",
    '"evidence.headers": expected at most 64 entries',
  ],
  [evidence({ body: {} }), "wrong_type", '"evidence.body"'],
  [evidence({ body: "a\0b" }), "nul_character", '"evidence.body"'],
  [evidence({ body: undefined }), "missing_field", '"evidence.body"'],
  [
    evidence({ body: "x".repeat(LIMITS.text + 1) }),
    "bad_value",
    '"evidence.body" has over 8192 characters',
  ],
];

Deno.test("decode() refuses each optional field that is not as it should be", async (t) => {
  for (const [changes, reason, detail] of BAD) {
    await t.step(`${reason}: ${detail}`, () => {
      const found = decodeJson({ ...fullMessage(), ...changes });
      assert(!found.ok);
      assertEquals(found.reason, reason);
      assertStringIncludes(found.detail, detail);
    });
  }
});
