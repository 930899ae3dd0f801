import { assert, assertEquals } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentCounts, readLog, troubleIn } from "../../../../local/demo/logs.ts";
import { Screen } from "../../../../local/demo/show/screen.ts";
import {
  isGood,
  lostInAll,
  type Outcome,
  printSummary,
} from "../../../../local/demo/show/summary.ts";

const AUDIT = { records: 10, written: 10, deadLetters: 0, lost: 0, duplicates: 0 };
const AGENT = { checked: 10, published: 10, waiting: 0, dropped: 0, refused: 0 };

function outcome(changes: Partial<Outcome> = {}): Outcome {
  return { seconds: 20, agent: AGENT, audit: AUDIT, trouble: [], endedWell: true, ...changes };
}

Deno.test("isGood() wants nothing lost, nothing twice and both programs to end well", () => {
  assert(isGood(outcome()));
  assert(!isGood(outcome({ endedWell: false })));
  assert(!isGood(outcome({ audit: { ...AUDIT, lost: 1 } })));
  assert(!isGood(outcome({ audit: { ...AUDIT, duplicates: 1 } })));
  assert(!isGood(outcome({ agent: { ...AGENT, checked: 11 } })));
});

Deno.test("lostInAll() counts what is missing on every part of the way", () => {
  const lost = (agent: Partial<typeof AGENT>, audit: Partial<typeof AUDIT> = {}) =>
    lostInAll(outcome({ agent: { ...AGENT, ...agent }, audit: { ...AUDIT, ...audit } }));
  assertEquals(lost({}), 0);
  // Dropped by the outbox.
  assertEquals(lost({ checked: 12, dropped: 2 }), 2);
  // Waiting on disk, or set aside there: not lost.
  assertEquals(lost({ checked: 15, waiting: 3, refused: 2 }), 0);
  // Left over from an earlier run.
  assertEquals(lost({ checked: 5 }), 0);
  // Acknowledged, and yet not in the topic.
  assertEquals(lost({ checked: 12, published: 12 }), 2);
  assertEquals(lost({}, { lost: 4 }), 4);
  assertEquals(lostInAll(outcome({ agent: null, audit: { ...AUDIT, lost: 1 } })), 1);
});

Deno.test("printSummary() says every count, and the first lines of trouble", () => {
  let text = "";
  const screen = new Screen({ write: (part) => text += part });
  const trouble = Array.from({ length: 7 }, (_, n) => ({
    mode: "writer",
    level: "error",
    msg: `Trouble ${n}`,
  }));
  printSummary(screen, outcome({ trouble, agent: { ...AGENT, checked: 13, waiting: 3 } }));
  for (
    const line of [
      /^After 20\.0 s of checking$/m,
      /^ {2}checked +13 /m,
      /^ {2}published +10 /m,
      /^ {2}written +10 /m,
      /^ {2}dead letters +0$/m,
      /^ {2}lost +0$/m,
      /^ {2}duplicates +0$/m,
      /^ {2}in the outbox +3 /m,
      /^Logged at WARN or above: 7$/m,
      /^ {2}writer error: Trouble 4$/m,
      /^ {2}and 2 more in the logs$/m,
    ]
  ) assert(line.test(text), `${line} in:\n${text}`);
  assert(!text.includes("\x1b"));
});

Deno.test("readLog() takes a line that is not httpmon's for an error", async () => {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-test-"));
  try {
    const file = join(folder, "log");
    await writeFile(
      file,
      [
        '{"level":"info","msg":"The agent stopped","checked":3,"published":2,"waiting":1}',
        '{"level":"warn","msg":"Careful"}',
        "error: Uncaught (in promise)",
        '{"neither":"nor"}',
        "",
      ].join("\n"),
    );
    const lines = await readLog(file);
    assertEquals(troubleIn(lines).map(({ msg }) => msg), [
      "Careful",
      "error: Uncaught (in promise)",
      '{"neither":"nor"}',
    ]);
    assertEquals(agentCounts(lines), {
      checked: 3,
      published: 2,
      waiting: 1,
      dropped: 0,
      refused: 0,
    });
    assertEquals(agentCounts(lines.slice(1)), null);
  } finally {
    await rm(folder, { recursive: true });
  }
});
