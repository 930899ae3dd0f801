import { assert, assertEquals, assertLessOrEqual, assertNotEquals } from "@std/assert";
import { AT_ONCE, check as checkSite, type CheckDeps } from "../../../agent/check/check.ts";
import type { HttpClient, HttpRecord } from "../../../agent/http/types.ts";
import type { InspectionOutcome } from "../../../agent/inspect/inspection.ts";
import { decode } from "../../../wire/decode.ts";
import { encode } from "../../../wire/encode.ts";
import type { ResultMessage } from "../../../wire/message.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { checkDeps, gives, obeys, response, site, type SiteValues, UUID } from "../support.ts";

const NEVER = new AbortController().signal;

/** The message alone of a check. */
async function check(...args: Parameters<typeof checkSite>): Promise<ResultMessage | null> {
  return (await checkSite(...args))?.message ?? null;
}

function failure(errorClass: "timeout" | "no_route" | "connection_reset", status = null) {
  return response({ status, error: { class: errorClass, message: `It was ${errorClass}` } });
}

Deno.test("check() gives the message of the contract", async () => {
  const result = await check(
    site({ rules: { regex: ["ok"] } }),
    NEVER,
    checkDeps(gives(response({ text: "all ok", ms: 12.34567 }))),
    { ...AT_ONCE, lateMs: 1_500 },
  );
  assertEquals(result, {
    ts: "2026-01-01 00:00:00.000007",
    agentUUID: UUID,
    url: "http://site.test/",
    regexResult: true,
    responseCode: 200,
    responseTime: 12.346,
    errorMessage: null,
    verdict: "up",
    scheduledAt: "2025-12-31 23:59:58.500007",
    frequency: 60,
    bodyBytes: 6,
    httpVersion: "1.1",
  });
  assertEquals(decode(new TextEncoder().encode(encode(result!))).ok, true);
});

const CASES: {
  name: string;
  site?: SiteValues;
  record: HttpRecord;
  deps?: Partial<CheckDeps>;
  expected: Partial<ResultMessage>;
}[] = [
  {
    name: "a status that is not valid",
    record: response({ status: 503 }),
    expected: { verdict: "down", reason: "status", responseCode: 503, errorMessage: null },
  },
  {
    name: "a status that fetch cannot make a Response of",
    site: { rules: { valid_status_codes: [{ from: 999, to: 999 }] } },
    record: response({ status: 999 }),
    expected: { verdict: "up", responseCode: 999 },
  },
  {
    name: "a regex that is not found",
    site: { rules: { regex: ["absent"] } },
    record: response({ text: "present" }),
    expected: { verdict: "down", reason: "regex", regexResult: false, errorMessage: null },
  },
  {
    name: "^ and $ at line ends",
    site: { rules: { regex: ["^second$"] } },
    record: response({ text: "first\nsecond\nthird" }),
    expected: { verdict: "up", regexResult: true },
  },
  {
    name: "a regex in a body of another charset",
    site: { rules: { regex: ["^Grüße$"] } },
    record: response({
      headers: [["content-type", "text/plain; charset=ISO-8859-1"]],
      body: new Uint8Array([0x47, 0x72, 0xfc, 0xdf, 0x65]),
    }),
    expected: { verdict: "up", regexResult: true },
  },
  {
    name: "a regex in invalid UTF-8",
    site: { rules: { regex: ["a\uFFFDb"] } },
    record: response({ body: new Uint8Array([0x61, 0xff, 0x62]) }),
    expected: { verdict: "up", regexResult: true },
  },
  {
    name: "a regex, and an empty body",
    site: { rules: { regex: ["x"] } },
    record: response({ status: 204 }),
    expected: { verdict: "down", reason: "status", regexResult: false },
  },
  {
    name: "a regex, and no response",
    site: { rules: { regex: ["x"] } },
    record: failure("connection_reset"),
    expected: {
      verdict: "down",
      reason: "connection_reset",
      errorClass: "connection_reset",
      errorMessage: "It was connection_reset",
      regexResult: null,
      responseCode: null,
    },
  },
  {
    name: "a body that ended early",
    site: { rules: { regex: ["x"] } },
    record: { ...failure("connection_reset"), status: 200, body: new Uint8Array([0x78]) },
    expected: { verdict: "down", reason: "connection_reset", regexResult: null, responseCode: 200 },
  },
  {
    name: "the monitor's own trouble",
    record: failure("no_route"),
    expected: { verdict: "unknown", reason: "local_network", errorClass: "local_network" },
  },
  {
    name: "a failure while the agent stood still",
    record: failure("timeout"),
    deps: { loop: { watch: () => () => 45_000 } },
    expected: {
      verdict: "unknown",
      reason: "local_stall",
      errorClass: "local_stall",
      errorMessage: 'This agent was stalled: for 45.0 s; then "timeout"',
    },
  },
  {
    name: "a response though the agent stood still",
    record: response({ status: 500 }),
    deps: { loop: { watch: () => () => 45_000 } },
    expected: { verdict: "down", reason: "status" },
  },
  {
    name: "an inspection that failed",
    site: { rules: { regex: ["x"] } },
    record: response({ text: "x" }),
    deps: { inspect: () => Promise.resolve({ ok: false, error: "no thread" }) },
    expected: {
      verdict: "unknown",
      reason: "local_error",
      errorClass: "local_error",
      responseCode: 200,
      regexResult: null,
      errorMessage: null,
    },
  },
  {
    name: "a site with a name",
    site: { name: "front page" },
    record: response(),
    expected: { site: "front page", url: "http://site.test/" },
  },
];

for (const { name, site: values, record, deps: more, expected } of CASES) {
  Deno.test(`check() of ${name}`, async () => {
    const result = await check(site(values), NEVER, checkDeps(gives(record), more));
    const picked = Object.fromEntries(
      Object.keys(expected).map((key) => [key, result![key as keyof ResultMessage]]),
    );
    assertEquals(picked, expected);
  });
}

Deno.test("check() hands the client the URL as written, and an inspection its failure to the log", async () => {
  const asked: string[] = [];
  const failed: string[] = [];
  const url = "HTTP://Site.Test:80/a b/../c";
  await check(
    site({ url, rules: { regex: ["x"] } }),
    NEVER,
    checkDeps((request) => {
      asked.push(request.url);
      return Promise.resolve(response());
    }, {
      inspect: () => Promise.resolve({ ok: false, error: "no thread" }),
      onInspectionFailed: (site, error) => void failed.push(`${site.url} ${error}`),
    }),
  );
  assertEquals([asked, failed], [[url], [`${url} no thread`]]);
});

Deno.test("check() says how many due times it answers for, and how long the agent itself stood still", async () => {
  const message = async (slots: number, delay: number) => {
    const loop = { watch: () => () => delay };
    const turn = { ...AT_ONCE, slots: () => slots };
    return (await check(site(), NEVER, checkDeps(gives(response()), { loop }), turn))!;
  };
  const { slots, loopDelay } = await message(3, 12.3456);
  assertEquals([slots, loopDelay], [3, 12.346]);
  const plain = await message(1, 5);
  assertEquals(["slots" in plain, "loopDelay" in plain, "attempts" in plain], [
    false,
    false,
    false,
  ]);
});

for (
  const { name, statuses, retries, leftMs = Infinity, expected } of [
    {
      name: "again, once, where it is down",
      statuses: [500, 503, 200],
      retries: 2,
      expected: ["down", "status", 503, 2, "status"],
    },
    {
      name: "until it is up",
      statuses: [null, 500, 200, 500],
      retries: 5,
      expected: ["up", undefined, 200, 3, "connection_reset"],
    },
    {
      name: "once where it is up",
      statuses: [200],
      retries: 3,
      expected: ["up", undefined, 200, undefined, undefined],
    },
    {
      name: "once where the next check is due sooner",
      statuses: [500],
      retries: 3,
      leftMs: 5_000,
      expected: ["down", "status", 500, undefined, undefined],
    },
    {
      name: "once where it does not retry",
      statuses: [500],
      retries: 1,
      expected: ["down", "status", 500, undefined, undefined],
    },
  ]
) {
  Deno.test(`check() tries a site ${name}`, async () => {
    const clock = new FakeClock();
    const times: number[] = [];
    const client: HttpClient = () => {
      times.push(clock.monotonic());
      const status = statuses[times.length - 1]!;
      return Promise.resolve(status === null ? failure("connection_reset") : response({ status }));
    };
    const checked = check(
      site({ retries: { attempts: retries, delayMs: 5_000 } }),
      NEVER,
      checkDeps(client, { clock }),
      { ...AT_ONCE, leftMs },
    );
    await clock.advance(60_000);
    const { verdict, reason, responseCode, attempts, firstReason } = (await checked)!;
    assertEquals([verdict, reason, responseCode, attempts, firstReason], expected);
    assertEquals(times.map((at) => at - times[0]!), times.map((_, i) => i * 5_000));
    assertEquals(clock.pending, 0);
  });
}

Deno.test("check() that is cut short between two tries has the result of the first", async () => {
  const stop = new AbortController();
  const clock = new FakeClock();
  const retries = { attempts: 3, delayMs: 5_000 };
  const deps = checkDeps(gives(failure("connection_reset")), { clock });
  const checked = check(site({ retries }), stop.signal, deps);
  await clock.advance(1_000);
  stop.abort();
  const message = await checked;
  assertEquals([message!.reason, message!.attempts], ["connection_reset", undefined]);
  assertEquals(clock.pending, 0);
});

Deno.test("check() asks how the network is, and judges by it", async () => {
  const asked: unknown[] = [];
  const network: CheckDeps["network"] = {
    after: (url, record, isProxied, start) => {
      asked.push([url, record.error?.class, isProxied, start]);
      return Promise.resolve({ networkLost: true, resolverLost: false });
    },
  };
  const deps = checkDeps(gives(failure("timeout")), { network });
  const message = await check(site({ request: { proxy: "http://a.test:1" } }), NEVER, deps);
  assertEquals([message!.verdict, message!.reason], ["unknown", "local_network"]);
  assertEquals(asked, [["http://site.test/", "timeout", true, 5_000]]);
});

Deno.test("check() ends at the site's timeout", async () => {
  const clock = new FakeClock();
  const signals: AbortSignal[] = [];
  const result = check(site({ timeoutMs: 3_000 }), NEVER, checkDeps(obeys(signals), { clock }));
  await clock.advance(2_999);
  assertEquals(signals[0]!.aborted, false);
  await clock.advance(1);
  assertEquals((await result)!.reason, "timeout");
  assertEquals(clock.pending, 0);
});

Deno.test("check() that is cut short gives no result", async () => {
  const stop = new AbortController();
  const clock = new FakeClock();
  const result = check(site(), stop.signal, checkDeps(obeys(), { clock }));
  stop.abort();
  assertEquals(await result, null);
  assertEquals(await check(site(), stop.signal, checkDeps(obeys(), { clock })), null);
  assertEquals(clock.pending, 0);
});

Deno.test("check() that is cut short in its inspection gives no result", async () => {
  const stop = new AbortController();
  const inspect = (): Promise<InspectionOutcome> => {
    stop.abort();
    return Promise.resolve({ ok: false, error: "stopped" });
  };
  const client = gives(response());
  assertEquals(
    await check(site({ rules: { regex: ["x"] } }), stop.signal, checkDeps(client, { inspect })),
    null,
  );
});

Deno.test("check() keeps a full response that came before the cut", async () => {
  const stop = new AbortController();
  const client: HttpClient = () => {
    stop.abort();
    return Promise.resolve(response());
  };
  assertEquals((await check(site(), stop.signal, checkDeps(client)))!.verdict, "up");
});

Deno.test("check() leaves no timer and no listener behind", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = stop.signal;
  stop.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(stop.signal, args);
  };
  stop.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(stop.signal, args);
  };
  await check(site(), stop.signal, checkDeps(gives(response()), { clock }));
  assertEquals([clock.pending, listeners], [0, 0]);
});

Deno.test("check() outlives a client that throws, rejects or never ends", async () => {
  const clock = new FakeClock();
  const throws: HttpClient = () => {
    throw new Error("a defect");
  };
  const rejects: HttpClient = () => Promise.reject(new Error("a defect"));
  for (const client of [throws, rejects]) {
    const result = await check(site(), NEVER, checkDeps(client, { clock }));
    assertEquals([result!.verdict, result!.reason], ["unknown", "local_error"]);
    assert(result!.errorMessage!.includes("a defect"));
  }
  const hangs = check(
    site({ timeoutMs: 1_000 }),
    NEVER,
    checkDeps(() => new Promise(() => {}), { clock }),
  );
  await clock.advance(3_000);
  assertEquals((await hangs)!.reason, "timeout");
  assertEquals(clock.pending, 0);
});

Deno.test("check() gives an inspection what is left of the timeout, two seconds at the least", async () => {
  for (
    const { timeoutMs, takesMs, expected } of [
      { timeoutMs: 10_000, takesMs: 3_000, expected: 7_000 },
      { timeoutMs: 10_000, takesMs: 9_900, expected: 2_000 },
    ]
  ) {
    const clock = new FakeClock();
    const limits: number[] = [];
    const client: HttpClient = () => {
      clock.stall(takesMs);
      return Promise.resolve(response());
    };
    await check(
      site({ timeoutMs, rules: { regex: ["x"] } }),
      NEVER,
      checkDeps(client, {
        clock,
        inspect: (_, limitMs) => {
          limits.push(limitMs);
          return Promise.resolve({ ok: true, found: { matched: [true], json: [] } });
        },
      }),
    );
    assertEquals(limits, [expected]);
  }
});

Deno.test("check() gives a message of at most 256 characters, a fresh one each time", async () => {
  const record = failure("timeout");
  const client = gives(record);
  const long = await check(site(), NEVER, checkDeps(() => Promise.reject("x".repeat(5_000))));
  assertLessOrEqual(long!.errorMessage!.length, 256);
  const first = await check(site(), NEVER, checkDeps(client));
  const second = await check(site(), NEVER, checkDeps(client));
  assertEquals(first, second);
  assertNotEquals(first === second, true);
});
