import { assert, assertEquals, assertRejects } from "@std/assert";
import type { HttpClient } from "../../agent/http/types.ts";
import { runAgent } from "../../agent/run.ts";
import { AgentStats } from "../../agent/stats.ts";
import type { AgentConfig, Site } from "../../config/types.ts";
import type { OutgoingMessage, Send } from "../../kafka/sender.ts";
import { UsageError } from "../../runtime/cli/exit_codes.ts";
import { sleep } from "../../runtime/clock.ts";
import { decode } from "../../wire/decode.ts";
import type { ResultMessage } from "../../wire/message.ts";
import { parseTimestamp } from "../../wire/timestamp.ts";
import { recordingLog } from "../support/recording_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  advanceUntil,
  agentConfig,
  clients,
  response,
  site,
  until,
  withFolder,
} from "./support.ts";

/** A broker in memory. */
function broker() {
  const taken: OutgoingMessage[] = [];
  const it = {
    up: true,
    taken,
    sends: 0,
    send: ((batch) => {
      it.sends++;
      if (!it.up) return Promise.reject(new Error("no broker"));
      taken.push(...batch);
      return Promise.resolve();
    }) as Send,
    /** The messages, decoded. @throws {Error} Where one cannot be */
    messages(): ResultMessage[] {
      return taken.map(({ value }) => {
        const decoded = decode(new TextEncoder().encode(value));
        if (!decoded.ok) throw new Error(`${decoded.reason}: ${decoded.detail}`);
        return decoded.message;
      });
    },
  };
  return it;
}

function sites(count: number, frequencyMs: number, values: Partial<Site> = {}): Site[] {
  return Array.from({ length: count }, (_, i) => {
    return site({ url: `http://site.test/${i}`, frequencyMs, ...values });
  });
}

/** An agent whose time passes when it is told to. */
function started(
  stateDir: string,
  list: readonly Site[],
  { client, send, clock = new FakeClock() }: { client: HttpClient; send: Send; clock?: FakeClock },
  agent: Partial<AgentConfig> = {},
) {
  const stop = new AbortController();
  const log = recordingLog();
  const stats = new AgentStats();
  const config = agentConfig(stateDir, list, agent);
  const ended = runAgent(config, {
    clients: clients(client),
    send,
    clock,
    log,
    stats,
    signal: stop.signal,
  });
  const reaches = (condition: () => boolean, what: string) => advanceUntil(clock, condition, what);
  return { clock, log, stats, ended, reaches, stop: () => (stop.abort(), ended) };
}

const answers: HttpClient = () => Promise.resolve(response({ text: "all\nok\n" }));

function identities(messages: readonly ResultMessage[]): Set<string> {
  return new Set(messages.map(({ ts, agentUUID, url }) => `${ts} ${agentUUID} ${url}`));
}

Deno.test("runAgent() checks each site on its schedule and publishes every result", async () => {
  await withFolder(async (folder) => {
    const kafka = broker();
    const list = [...sites(3, 100), site({ url: "http://slow.test/", frequencyMs: 60_000 })];
    const agent = started(
      folder,
      // A day: the first search of a regex is on a thread, which has its own time.
      list.map((s) => ({ ...s, timeoutMs: 86_400_000, rules: { ...s.rules, regex: ["^ok$"] } })),
      {
        client: answers,
        send: kafka.send,
      },
    );
    await agent.reaches(() => kafka.taken.length >= 45, "45 results are published");
    const stats = await agent.stop();
    const messages = kafka.messages();
    assertEquals(identities(messages).size, messages.length);
    assertEquals([stats.checked, stats.published], [messages.length, messages.length]);
    assertEquals([stats.waiting, stats.dropped, stats.refused, stats.cut], [0, 0, 0, 0]);
    assertEquals([stats.inFlight, stats.waitingForPlace], [0, 0]);
    for (const { verdict, regexResult } of messages) {
      assertEquals([verdict, regexResult], ["up", true]);
    }
    for (const { key, value } of kafka.taken) assertEquals(JSON.parse(value).url, key);
    const infos = agent.log.lines.filter(({ level }) => level === "notice");
    assertEquals(infos.map(({ message }) => message), ["The agent runs", "The agent stopped"]);
    const { checked, published, dropped, refused, waiting, skipped, late } = stats;
    assertEquals(infos[1]!.fields, {
      checked,
      published,
      dropped,
      refused,
      waiting,
      skipped,
      late,
    });
  });
});

Deno.test("runAgent() goes on checking while the broker is away; a later start publishes the rest", async () => {
  await withFolder(async (folder) => {
    const kafka = broker();
    kafka.up = false;
    const deps = { client: answers, send: kafka.send };
    const away = started(folder, sites(5, 50), deps, { shutdownTimeoutMs: 300 });
    await away.reaches(
      () => away.stats.checked >= 100 && kafka.sends > 0,
      "100 checks were made, and one send",
    );
    assertEquals(away.stats.waiting, away.stats.checked);
    const { sends } = kafka;
    const stopped = away.stop();
    await until(() => kafka.sends > sends, "what is on disk is sent once more");
    await away.clock.advance(300);
    const before = await stopped;
    assertEquals([before.published, before.waiting], [0, before.checked]);
    assertEquals(
      away.log.lines.filter(({ level }) => level === "error").map(({ message }) => message),
      ["Cannot send to the broker; results wait in the outbox until it is back"],
    );

    kafka.up = true;
    const back = started(folder, sites(5, 60_000), { ...deps, clock: away.clock });
    await back.reaches(() => kafka.taken.length >= before.checked, "the rest is published");
    const after = await back.stop();
    const messages = kafka.messages();
    assertEquals(messages.length, before.checked + after.checked);
    assertEquals(identities(messages).size, messages.length);
    assertEquals(new Set(messages.map(({ agentUUID }) => agentUUID)).size, 1);
    assertEquals(after.waiting, 0);
  });
});

Deno.test("runAgent() that stops lets checks end, cuts those that do not, and flushes", async () => {
  await withFolder(async (folder) => {
    const kafka = broker();
    let begun = 0;
    let answer = () => {};
    const client: HttpClient = ({ url }, signal) => {
      begun++;
      return new Promise((resolve) => {
        if (url.endsWith("/0")) answer = () => resolve(response());
        else {
          signal.addEventListener("abort", () => {
            resolve(response({ status: null, error: { class: "aborted", message: "cut" } }));
          });
        }
      });
    };
    const agent = started(folder, sites(2, 500), { client, send: kafka.send }, {
      shutdownTimeoutMs: 1_000,
    });
    await agent.reaches(() => begun === 2, "both checks are under way");
    const stopped = agent.stop();
    answer();
    await agent.clock.advance(500);
    const stats = await stopped;
    assertEquals([stats.checked, stats.cut, stats.published], [1, 1, 1]);
    assertEquals(kafka.messages().map(({ url, verdict }) => [url, verdict]), [
      ["http://site.test/0", "up"],
    ]);
  });
});

Deno.test("runAgent() lets so many checks run at a time; waiting for a place is lateness", async () => {
  await withFolder(async (folder) => {
    const kafka = broker();
    let now = 0;
    let most = 0;
    const clock = new FakeClock();
    const client: HttpClient = async () => {
      most = Math.max(most, ++now);
      await sleep(clock, 120);
      now--;
      return response();
    };
    const agent = started(folder, sites(10, 400), { client, send: kafka.send, clock }, {
      maxConcurrentChecks: 2,
    });
    await agent.reaches(
      () => agent.stats.checked >= 20 && agent.stats.skipped > 0,
      "20 checks were made",
    );
    const stopped = agent.stop();
    await clock.advance(120);
    const stats = await stopped;
    assertEquals(most, 2);
    assert(stats.late > 5, `${stats.late} were late`);
    const messages = kafka.messages();
    const lateMs = messages.map(({ ts, scheduledAt }) =>
      Number(parseTimestamp(ts)! - parseTimestamp(scheduledAt!)!) / 1_000
    );
    assert(Math.abs(lateMs.filter((ms) => ms > 100).length - stats.late) <= 1);
    assertEquals(messages.length, stats.checked);
  });
});

Deno.test("runAgent() goes on checking a site that fails in every way", async () => {
  await withFolder(async (folder) => {
    const kafka = broker();
    let nth = 0;
    // The log tells of the agent's own trouble at the first, and of the rest at the end.
    const client: HttpClient = () => {
      switch (nth++ % 4) {
        case 0:
          throw new Error("a defect");
        case 1:
          return Promise.reject(undefined);
        case 2:
          return Promise.resolve(
            response({ status: null, error: { class: "dns_not_found", message: "no such host" } }),
          );
        default:
          return Promise.resolve(response({ status: 500 }));
      }
    };
    const agent = started(folder, sites(1, 30), { client, send: kafka.send });
    await agent.reaches(() => agent.stats.responseTimes.count >= 12, "12 checks are published");
    await agent.stop();
    assertEquals(
      kafka.messages().map(({ verdict, reason }) => `${verdict} ${reason}`).slice(0, 8),
      [
        "unknown local_error",
        "unknown local_error",
        "down dns_not_found",
        "down status",
        "unknown local_error",
        "unknown local_error",
        "down dns_not_found",
        "down status",
      ],
    );
    const errors = agent.log.lines.filter(({ level }) => level === "error");
    assertEquals(
      new Set(errors.map(({ message }) => message)),
      new Set(["Checks failed for the agent's own trouble; their results are unknown"]),
    );
    assertEquals(
      errors.reduce((sum, { fields }) => sum + Number(fields.count), 0),
      agent.stats.verdicts.unknown,
    );
  });
});

Deno.test("runAgent() refuses a state folder that another agent holds", async () => {
  await withFolder(async (folder) => {
    const kafka = broker();
    const agent = started(folder, sites(1, 50), { client: answers, send: kafka.send });
    await agent.reaches(() => kafka.taken.length > 0, "the first runs");
    const second = started(folder, sites(1, 50), { client: answers, send: kafka.send });
    await assertRejects(() => second.ended, UsageError, "is held by another process");
    const before = kafka.taken.length;
    await agent.reaches(() => kafka.taken.length > before, "the first goes on");
    await agent.stop();
  });
});

Deno.test("runAgent() that is asked to stop before it started does nothing and ends", async () => {
  await withFolder(async (folder) => {
    const stop = new AbortController();
    stop.abort();
    const stats = await runAgent(agentConfig(folder, sites(3, 50)), {
      clients: clients(answers),
      send: () => Promise.resolve(),
      log: recordingLog(),
      signal: stop.signal,
    });
    assertEquals(stats.checked, 0);
  });
});

Deno.test("runAgent() checks a site for one who asks, and publishes nothing of it", async () => {
  await withFolder(async (folder) => {
    const stop = new AbortController();
    const { send, taken } = broker();
    const verdicts: unknown[] = [];
    const config = agentConfig(folder, []);
    await runAgent(config, {
      clients: clients(answers),
      send,
      log: recordingLog(),
      signal: stop.signal,
      async onStarted({ probe }) {
        verdicts.push((await probe(site()))?.message.verdict);
        stop.abort();
      },
    });
    assertEquals([verdicts, taken], [["up"], []]);
  });
});
