import { assertEquals, assertRejects } from "@std/assert";
import { ExchangeFailure, type FailureClass } from "../../../agent/http/errors.ts";
import {
  type Address,
  interleave,
  resolveHost,
  type Resolver,
} from "../../../agent/http/resolve.ts";
import { Steps } from "../../../agent/http/steps.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const v4 = (n: number): Address => ({ address: `192.0.2.${n}`, family: 4 });
const v6 = (n: number): Address => ({ address: `2001:db8::${n}`, family: 6 });

function resolver(answer: Address[] | string, answersForRoot = true): Resolver {
  return {
    lookup(_host, _options, callback) {
      if (typeof answer !== "string") callback(null, answer);
      else callback(Object.assign(new Error(`getaddrinfo ${answer}`), { code: answer }), []);
    },
    answersForRoot: () => Promise.resolve(answersForRoot),
  };
}

function steps(signal = new AbortController().signal): Steps {
  return new Steps(signal);
}

async function failureOf(asked: Resolver, signal?: AbortSignal): Promise<FailureClass> {
  const thrown = await assertRejects(
    () => resolveHost("site.test", "auto", asked, new FakeClock(), steps(signal)),
    ExchangeFailure,
  );
  return thrown.error.class;
}

Deno.test("interleave() lets the families take turns, each in the resolver's order", () => {
  assertEquals(interleave([v6(1), v6(2), v4(1), v4(2), v4(3)]), [
    v6(1),
    v4(1),
    v6(2),
    v4(2),
    v4(3),
  ]);
  assertEquals(interleave([v4(1), v4(2)]), [v4(1), v4(2)]);
  assertEquals(interleave([]), []);
});

Deno.test("resolveHost() asks for the family that the version wants", async () => {
  const asked: number[] = [];
  const spy: Resolver = {
    ...resolver([v4(1)]),
    lookup(_host, { family }, callback) {
      asked.push(family);
      callback(null, [v4(1)]);
    },
  };
  for (const version of ["auto", "4", "6"] as const) {
    await resolveHost("site.test", version, spy, new FakeClock(), steps());
  }
  assertEquals(asked, [0, 4, 6]);
});

Deno.test("resolveHost() tells a name that does not exist from a resolver that is away", async () => {
  assertEquals(await failureOf(resolver("ENOTFOUND")), "dns_not_found");
  assertEquals(await failureOf(resolver([])), "dns_not_found");
  assertEquals(await failureOf(resolver("EAI_FAIL")), "dns_failed");
  assertEquals(await failureOf(resolver("EAI_AGAIN", false)), "resolver_silent");
  assertEquals(await failureOf(resolver("EAI_AGAIN", true)), "dns_failed");
  assertEquals(await failureOf(resolver("EMFILE")), "no_descriptors");
});

Deno.test("resolveHost() ends at once when the signal aborts, whatever the resolver does later", async () => {
  let answer = () => {};
  const slow: Resolver = {
    ...resolver([]),
    lookup(_host, _options, callback) {
      answer = () => callback(new Error("late"), []);
    },
  };
  const controller = new AbortController();
  const failing = failureOf(slow, controller.signal);
  controller.abort(new DOMException("", "TimeoutError"));
  assertEquals(await failing, "timeout");
  answer();
});

Deno.test("resolveHost() blames the resolver for a timeout when it had no answer for the root either", async () => {
  const never = new Promise<boolean>(() => {});
  for (
    const [answers, expected] of [
      [Promise.resolve(false), "resolver_silent"],
      [never, "resolver_silent"],
      [Promise.resolve(true), "timeout"],
    ] as const
  ) {
    const clock = new FakeClock();
    const controller = new AbortController();
    const hanging: Resolver = { lookup: () => {}, answersForRoot: () => answers };
    const failing = assertRejects(
      () => resolveHost("site.test", "auto", hanging, clock, steps(controller.signal)),
      ExchangeFailure,
    );
    await clock.advance(250);
    controller.abort(new DOMException("", "TimeoutError"));
    assertEquals((await failing).error.class, expected);
    assertEquals(clock.pending, 0);
  }
});

Deno.test("resolveHost() blames the resolver for a temporary failure where it says nothing of the root in time", async () => {
  const asked: Resolver = {
    ...resolver("EAI_AGAIN"),
    answersForRoot: () => new Promise(() => {}),
  };
  for (const [name, expected] of [["TimeoutError", "resolver_silent"], ["AbortError", "aborted"]]) {
    const controller = new AbortController();
    const failing = failureOf(asked, controller.signal);
    await new Promise((resolve) => setTimeout(resolve));
    controller.abort(new DOMException("", name));
    assertEquals(await failing, expected as FailureClass);
  }
});

Deno.test("resolveHost() does not doubt a resolver that answers soon", async () => {
  const clock = new FakeClock();
  const doubting: Resolver = {
    ...resolver([v4(1)]),
    answersForRoot: () => Promise.reject(new Error("Not to be asked")),
  };
  assertEquals(await resolveHost("site.test", "auto", doubting, clock, steps()), [v4(1)]);
  assertEquals(clock.pending, 0);
});
