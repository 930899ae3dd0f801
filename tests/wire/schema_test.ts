import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { HttpRecord } from "../../agent/http/types.ts";
import { FAILURES, httpError } from "../../agent/http/errors.ts";
import { AT_ONCE, check } from "../../agent/check/check.ts";
import { checkDeps, response, site, type SiteValues } from "../agent/support.ts";
import { systemClock } from "../../runtime/clock.ts";
import { decode } from "../../wire/decode.ts";
import { encode } from "../../wire/encode.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { certificate, fullMessage } from "./full_message.ts";
import {
  assertValid,
  fieldsOfDocs,
  fieldsOfSchema,
  messageSchema,
  messageValidator,
  reasonsOfDocs,
} from "./schema_doc.ts";

function decodeJson(value: unknown) {
  return decode(new TextEncoder().encode(JSON.stringify(value)));
}

/** Every field of a value: "phases.dns", "redirects[].url"; `leaves` have fields of any name. */
function fieldsOf(value: unknown, leaves: readonly string[], path = ""): string[] {
  if (typeof value !== "object" || value === null || leaves.includes(path)) return [];
  if (Array.isArray(value)) {
    return [...new Set(value.flatMap((each) => fieldsOf(each, leaves, `${path}[]`)))];
  }
  return Object.entries(value).flatMap(([field, inner]) => {
    const at = path === "" ? field : `${path}.${field}`;
    return [at, ...fieldsOf(inner, leaves, at)];
  });
}

/** A copy in which the field at `path` is `value`; "[]" is the first entry. */
function withField(message: object, path: string, value: unknown): unknown {
  const copy = structuredClone(message);
  const steps = path.split(".").flatMap((step) =>
    step.endsWith("[]") ? [step.slice(0, -2), 0] : step
  );
  // deno-lint-ignore no-explicit-any
  let at: any = copy;
  for (const step of steps.slice(0, -1)) at = at[step];
  at[steps.at(-1)!] = value;
  return copy;
}

Deno.test("the schema, message.md and the decoder name the same fields", async () => {
  const ofSchema = fieldsOfSchema(await messageSchema());
  assertEquals((await fieldsOfDocs()).sort(), [...ofSchema].sort());
  const found = decodeJson({ ...fullMessage(), unknown: 1 });
  assert(found.ok);
  assertEquals(
    fieldsOf(found.message, ["labels", "siteLabels", "evidence.headers"]).sort(),
    [...ofSchema].sort(),
  );
});

Deno.test("the schema and the decoder refuse another type in every field", async (t) => {
  const validate = await messageValidator();
  for (const field of fieldsOfSchema(await messageSchema())) {
    await t.step(field, () => {
      // No field may be this, nor any entry of one.
      const bad = withField(fullMessage(), field, [[]]);
      assertEquals(validate(bad), false);
      const found = decodeJson(bad);
      assert(!found.ok);
      assertEquals(found.reason, "wrong_type");
      assertStringIncludes(found.detail, `"${field.replace("[]", "[0]")}`);
    });
  }
});

Deno.test("message.md names every reason of a dead letter", async () => {
  const reasons = new Set(await reasonsOfDocs());
  const values: [string, Uint8Array | null][] = [
    ["null_value", null],
    ["empty_value", new Uint8Array()],
    ["too_large", new Uint8Array(2 ** 20 + 1)],
    ["bad_utf8", new Uint8Array([0xff])],
    ["bad_json", new TextEncoder().encode("{")],
    ["not_an_object", new TextEncoder().encode("[]")],
    ["missing_field", new TextEncoder().encode("{}")],
    ["wrong_type", new TextEncoder().encode(JSON.stringify({ ...fullMessage(), ts: 1 }))],
    ["bad_value", new TextEncoder().encode(JSON.stringify({ ...fullMessage(), ts: "" }))],
    ["nul_character", new TextEncoder().encode(JSON.stringify({ ...fullMessage(), url: "\0" }))],
  ];
  for (const [reason, value] of values) {
    const found = decode(value);
    assertEquals(found.ok ? "" : found.reason, reason);
    assert(reasons.delete(reason), reason);
  }
  // These the consumer and the database find.
  assertEquals([...reasons].sort(), ["bad_batch", "key_taken", "store_failed", "ts_out_of_range"]);
});

Deno.test("the schema takes a full message, and the older program's seven fields alone", async () => {
  const validate = await messageValidator(true);
  const message = fullMessage();
  assertValid(validate, message);
  const seven = Object.entries(message).slice(0, 7);
  assertValid(validate, Object.fromEntries(seven));
  for (const [field] of seven) {
    const { [field]: _, ...rest } = Object.fromEntries(seven);
    assertEquals(validate(rest), false);
  }
  assertEquals(validate({ ...message, colour: "blue" }), false);
  assertEquals((await messageValidator())({ ...message, colour: "blue" }), true);
});

/** A site's answer with all that a client can tell, much of it hostile. */
function hostile(): HttpRecord {
  const long = `\0\ud800\x1b[31m${"ü".repeat(70_000)}`;
  const shown = {
    ...certificate(1),
    subject: long,
    issuer: long,
    names: Array.from({ length: 100 }, () => long),
    serial: "00FF",
    fingerprint256: certificate(1).fingerprint,
    notBefore: NaN,
    notAfter: Date.UTC(9999, 11, 31, 23, 59, 59),
  };
  return response({
    status: 999,
    statusText: long,
    text: long,
    headers: [["content-type", long], ["server", long], ["location", long], ["set-cookie", long]],
    bodyTruncated: true,
    phases: { dns: 0.1234567, connect: 1 / 3, tls: 2, firstByte: 3, download: 4 },
    remoteAddress: "2001:db8::1",
    hops: [
      ...Array.from({ length: 50 }, () => ({ url: long, status: 302, ms: 1 / 3 })),
      { url: "http://site.test/", status: 999, ms: 2 },
    ],
    tls: {
      protocol: "TLSv1.2",
      cipher: "ECDHE-RSA-AES128-GCM-SHA256",
      chain: Array.from({ length: 10 }, () => shown),
      earliestExpiry: Date.UTC(1969, 0),
      authorized: false,
      authorizationError: long,
    },
  });
}

async function checked(
  record: HttpRecord,
  values: SiteValues = {},
  slots = 1,
): Promise<ResultMessage> {
  const labels = { team: "web", region: "eu" };
  const deps = checkDeps(() => Promise.resolve(record), {
    agent: { agentUUID: fullMessage().agentUUID, location: "eu-west", labels },
    loop: { watch: () => () => 12.3456 },
    clock: { ...systemClock, after: (_, run) => systemClock.after(0, run) },
  });
  const found = await check(site(values), new AbortController().signal, deps, {
    ...AT_ONCE,
    lateMs: 12.345,
    slots: () => slots,
  });
  assert(found);
  return found.message;
}

Deno.test("what the agent sends is as the schema says, and is read as it was sent", async (t) => {
  const validate = await messageValidator(true);
  const always = { kind: "once" as const, from: 0, to: Number.MAX_SAFE_INTEGER };
  const everything = {
    name: "front page",
    labels: { group: "shop" },
    maintenance: [always],
    retries: { attempts: 2, delayMs: 1 },
  };
  const cases: [name: string, message: Promise<ResultMessage>][] = [
    ["up", checked(response({ text: "fine" }))],
    [
      "all that can be told, hostile",
      checked(hostile(), everything, 3),
    ],
    ["regex", checked(response({ text: "no" }), { rules: { regex: ["yes"] } })],
    ...FAILURES.map((failure): [string, Promise<ResultMessage>] => [
      failure,
      checked(response({ status: null, httpVersion: null, error: httpError(failure, "a\0b") })),
    ]),
  ];
  for (const [name, promise] of cases) {
    await t.step(name, async () => {
      const message = await promise;
      assertValid(validate, message);
      const text = encode(message);
      // A broker takes 1 MB at most.
      assert(text.length < 1_000_000, `${text.length} characters`);
      const found = decode(new TextEncoder().encode(text));
      assert(found.ok, found.ok ? "" : `${found.reason}: ${found.detail}`);
      assertEquals(found.message, message);
    });
  }
  const all = await checked(hostile(), everything, 3);
  const missing = Object.keys(fullMessage()).filter((field) => !(field in all));
  assertEquals(missing, ["errorClass"]);
});
