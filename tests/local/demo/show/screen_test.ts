import { assert, assertEquals, assertRejects } from "@std/assert";
import { Screen } from "../../../../local/demo/show/screen.ts";

function recorded(terminal: { columns: number; rows: number } | null) {
  const parts: string[] = [];
  const screen = new Screen({
    ...(terminal && { isTTY: true, ...terminal }),
    write: (text) => parts.push(text),
  });
  return { screen, parts };
}

Deno.test("Screen.draw() goes back over what it drew before", () => {
  const { screen, parts } = recorded({ columns: 80, rows: 24 });
  screen.draw(["one", "two"]);
  screen.draw(["three"]);
  screen.print("stays");
  assertEquals(parts, [
    "\x1b[?25lone\ntwo\n",
    "\x1b[?25l\x1b[2A\x1b[Jthree\n",
    "\x1b[1A\x1b[Jstays\n",
  ]);
});

Deno.test("Screen.keep() leaves the area and shows the cursor", () => {
  const { screen, parts } = recorded({ columns: 80, rows: 24 });
  screen.draw(["one"]);
  screen.keep();
  screen.print("below");
  assertEquals(parts.slice(1), ["\x1b[?25h", "below\n"]);
});

Deno.test("Screen.draw() draws nothing where there is no terminal", () => {
  const { screen, parts } = recorded(null);
  screen.draw(["one"]);
  screen.keep();
  assertEquals(parts, []);
});

Deno.test("Screen.step() says what came of it and how long it took, in plain lines", async () => {
  const { screen, parts } = recorded(null);
  await screen.step("Kafka", () => Promise.resolve("127.0.0.1:15001"));
  const [line] = parts;
  assert(/^ {2}✓ Kafka +127\.0\.0\.1:15001 +0\.\d s\n$/.test(line!), line);
  const failing = () => Promise.reject(new Error("No disk"));
  await assertRejects(() => screen.step("Tables", failing), Error, "No disk");
  assert(/^ {2}✗ Tables +failed +0\.\d s\n$/.test(parts[1]!), parts[1]);
});

Deno.test("Screen.step() ends on a terminal with the line that stays", async () => {
  const { screen, parts } = recorded({ columns: 80, rows: 24 });
  await screen.step("Kafka", () => Promise.resolve("up"));
  const text = parts.join("");
  assert(text.endsWith("\x1b[?25h"), JSON.stringify(text));
  assert(text.includes("\x1b[1A\x1b[J"), JSON.stringify(text));
});
