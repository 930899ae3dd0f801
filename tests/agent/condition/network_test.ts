import { assertEquals } from "@std/assert";
import type { FailureClass } from "../../../agent/http/errors.ts";
import type { HttpRecord } from "../../../agent/http/types.ts";
import { Network } from "../../../agent/condition/network.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { response } from "../support.ts";

const NEVER = new AbortController().signal;

/** A network without controls, and what it says after an exchange with a host. */
function watched() {
  const clock = new FakeClock();
  const network = new Network({ clock, controls: [], ask: () => Promise.resolve(true) });
  /** @param at The address that answers, or does not */
  const after = async (
    host: string,
    error: FailureClass | null,
    at?: string,
    isProxied = false,
    start = clock.monotonic(),
  ) => {
    const record: HttpRecord = {
      ...response(),
      ...(error && { status: null, error: { class: error, message: "x" } }),
      ...(at && { addresses: [at], remoteAddress: error ? null : at }),
    };
    const url = `http://${host}/`;
    const state = await network.after(url, record, isProxied, start, NEVER);
    return state.networkLost ? "network" : state.resolverLost ? "resolver" : "well";
  };
  return { clock, network, after };
}

/** Hosts of as many zones, each with an address of its own. */
const HOSTS = Array.from({ length: 6 }, (_, i) => [`www.site${i}.test`, `192.0.2.${i}`] as const);

for (
  const failure of [
    "timeout",
    "connection_timeout",
    "unreachable",
    "no_route",
    "dns_failed",
    "resolver_silent",
    "dns_not_found",
  ] as const
) {
  Deno.test(`Network is lost from the fifth host on that falls silent by ${failure}, until one answers`, async () => {
    const { after, clock } = watched();
    for (const [host, at] of HOSTS) assertEquals(await after(host, null, at), "well");
    const said: string[] = [];
    for (const [host] of HOSTS) said.push(await after(host, failure));
    const few = failure === "resolver_silent" ? "resolver" : "well";
    assertEquals(said, [few, few, few, few, "network", "network"]);
    assertEquals(await after(HOSTS[0]![0], failure), "network");
    const start = clock.monotonic();
    await clock.advance(1_000);
    assertEquals(await after(HOSTS[3]![0], null, HOSTS[3]![1]), "well");
    // What began before one answered may have failed for it.
    assertEquals(await after(HOSTS[0]![0], failure, undefined, false, start), "network");
    await clock.advance(1_000);
    assertEquals(await after(HOSTS[0]![0], failure), few);
  });
}

Deno.test("Network is well where it is one host, or all of one address or of one zone, that are silent", async () => {
  const [one, address, zone] = [watched(), watched(), watched()];
  for (let i = 0; i < 20; i++) assertEquals(await one.after("one.test", "timeout"), "well");
  for (let i = 0; i < 2_000; i++) {
    assertEquals(await address.after(`site${i}.test`, "timeout", "192.0.2.1"), "well");
  }
  for (let i = 0; i < 20; i++) {
    assertEquals(await zone.after(`${i}.zone.test`, "dns_failed"), "well");
  }
});

Deno.test("Network is well where a host answers between, or refuses, or is silent as it was before", async () => {
  const { after, clock } = watched();
  for (let round = 0; round < 3; round++) {
    for (const [host, at] of HOSTS) {
      assertEquals(await after(host, "timeout", at), "well");
      assertEquals(await after("well.test", null, "192.0.2.99"), "well");
    }
    await clock.advance(1_000);
  }
  // From now on only those that never answered are heard of.
  for (const [host, at] of HOSTS) assertEquals(await after(host, "timeout", at), "well");

  const halfway = watched();
  for (const [host] of HOSTS) {
    const error = { class: "timeout", message: "x" } as const;
    const record = response({ error, addresses: ["192.0.2.1"] });
    const { networkLost } = await halfway.network.after(`http://${host}/`, record, false, 0, NEVER);
    assertEquals(networkLost, false);
  }

  const other = watched();
  for (const [host, at] of HOSTS) {
    assertEquals(await other.after(host, "timeout", at), "well");
    assertEquals(await other.after("refuses.test", "connection_refused", "192.0.2.99"), "well");
  }
});

Deno.test("Network is well where the silence is spread over more than 30 s", async () => {
  const { after, clock } = watched();
  for (const [host, at] of HOSTS) {
    assertEquals(await after(host, "timeout", at), "well");
    await clock.advance(7_600);
  }
});

Deno.test("Network takes no note of what did not go out, of names that never were, and of what a proxy cannot reach", async () => {
  const { after } = watched();
  for (const [host, at] of HOSTS) {
    for (const failure of ["no_descriptors", "no_permission", "no_token", "not_made"] as const) {
      assertEquals(await after(host, failure), "well");
    }
    assertEquals(await after(host, "dns_not_found"), "well");
    assertEquals(await after(host, "timeout", at, true), "well");
  }
});

Deno.test("Network finds the resolver lost where names alone fail, though addresses answer", async () => {
  const { after } = watched();
  const said: string[] = [];
  for (const [host] of HOSTS) {
    said.push(await after(host, "dns_failed"));
    await after("192.0.2.99", null, "192.0.2.99");
  }
  assertEquals(said, ["well", "well", "well", "well", "resolver", "resolver"]);
  assertEquals(await after("www.site0.test", "timeout", "192.0.2.0"), "well");
});

Deno.test("Network finds the resolver lost for what began while it was silent, whatever it then says", async () => {
  for (const answer of ["dns_failed", "dns_not_found", null] as const) {
    const { after, clock } = watched();
    await after("a.test", "resolver_silent");
    await clock.advance(1_000);
    const start = clock.monotonic();
    assertEquals(await after("192.0.2.99", null, "192.0.2.99"), "resolver");
    await clock.advance(1_000);
    assertEquals(
      await after("a.test", answer, answer ? undefined : "192.0.2.1", false, start),
      "resolver",
    );
    await clock.advance(1_000);
    assertEquals(await after("b.test", "dns_failed", undefined, false, start), "resolver");
    assertEquals(await after("b.test", "dns_failed"), "well");
  }
});

Deno.test("Network.keep() forgets the hosts that are gone", async () => {
  const { after, network } = watched();
  const [first, ...others] = HOSTS;
  for (const [host, at] of others) await after(host, "timeout", at);
  network.keep(new Set([first![0]]));
  // They count anew, as those of a new config.
  await after("well.test", null, "192.0.2.99");
  const said: string[] = [];
  for (const [host, at] of others) said.push(await after(host, "timeout", at));
  assertEquals(said.at(-1), "network");
});

/** A network with controls of which those in `answering` answer. */
function controlled(controls: string[]) {
  const clock = new FakeClock();
  const answering = new Set<string>();
  const asked: [string, number][] = [];
  const network = new Network({
    clock,
    controls,
    ask(control, signal) {
      asked.push([control, clock.monotonic()]);
      if (answering.has(control)) return Promise.resolve(true);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new Error("ended")))
      );
    },
  });
  const after = async (
    failure: FailureClass | null,
    signal = NEVER,
    start = clock.monotonic(),
  ) => {
    const record = failure
      ? response({ status: null, error: { class: failure, message: "x" } })
      : response();
    const state = network.after("http://a.test/", record, false, start, signal);
    return (await state).networkLost;
  };
  return { clock, answering, asked, after };
}

Deno.test("Network asks no control while nothing fails that it could explain", async () => {
  const { asked, after } = controlled(["a"]);
  for (const failure of [null, "tls_certificate_expired", "bad_http", "no_memory"] as const) {
    assertEquals(await after(failure), false);
  }
  assertEquals(asked, []);
});

Deno.test("Network is well where one control of several answers, lost where none does within a second", async () => {
  const { clock, answering, asked, after } = controlled(["a", "b", "c"]);
  answering.add("b");
  assertEquals(await after("connection_refused"), false);
  assertEquals(asked.length, 3);

  answering.clear();
  await clock.advance(5_000);
  const lost = after("timeout");
  await clock.advance(999);
  let ended = false;
  void lost.then(() => ended = true);
  await clock.advance(0);
  assertEquals(ended, false);
  await clock.advance(1);
  assertEquals(await lost, true);
  assertEquals([asked.length, clock.pending], [6, 0]);
});

Deno.test("Network asks its controls at most once in 5 s, for all that failed before", async () => {
  const { clock, answering, asked, after } = controlled(["a"]);
  answering.add("a");
  assertEquals(await Promise.all([after("timeout"), after("timeout")]), [false, false]);
  await clock.advance(1_000);
  // That it answered a second ago says nothing of now.
  answering.clear();
  const later = [after("timeout"), after("connection_refused")];
  await clock.advance(5_000);
  assertEquals(await Promise.all(later), [true, true]);
  // Lost a moment ago is lost now.
  assertEquals(await after("timeout"), true);
  assertEquals(asked.map(([, at]) => at - asked[0]![1]), [0, 5_000]);
});

Deno.test("Network asks its controls after what failed, though they answered while it was tried", async () => {
  const { clock, answering, asked, after } = controlled(["a"]);
  answering.add("a");
  await clock.advance(10_000);
  const start = clock.monotonic();
  await clock.advance(1_000);
  assertEquals(await after("connection_refused"), false);
  // The network is away from now on, for less than the time between two questions.
  answering.clear();
  await clock.advance(1_000);
  const late = [after("timeout", NEVER, start), after("connection_reset", NEVER, start + 1_500)];
  await clock.advance(4_000 + 999);
  answering.add("a");
  await clock.advance(1);
  assertEquals(await Promise.all(late), [true, true]);
  assertEquals(asked.map(([, at]) => at - start), [1_000, 6_000]);
});

Deno.test("Network was lost for what began before its controls answer again", async () => {
  const { clock, answering, after } = controlled(["a"]);
  const lost = after("timeout");
  await clock.advance(4_900);
  assertEquals(await lost, true);
  const start = clock.monotonic();
  answering.add("a");
  await clock.advance(1_000);
  assertEquals(await after("timeout"), false);
  assertEquals(await after("timeout", NEVER, start), true);
});

Deno.test("Network gives up waiting for its controls when the check is cut", async () => {
  const { clock, after } = controlled(["a"]);
  const lost = after("timeout");
  await clock.advance(1_000);
  assertEquals(await lost, true);
  await clock.advance(4_500);
  const stop = new AbortController();
  stop.abort();
  assertEquals(await after("timeout", stop.signal), false);
  assertEquals(clock.pending, 0);
});
