import { assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";
import { wordsOf } from "../../../alerts/message/words.ts";
import { OF_EACH_KIND } from "./kinds.ts";
import { NOW } from "./samples.ts";

/** Each kind of message as text, to be read by a person when it changes. */
const FILE = new URL("../../fixtures/alerts/messages.txt", import.meta.url);

Deno.test("wordsOf() says of each kind what a person has to know", async () => {
  const found = Object.entries(OF_EACH_KIND).map(([name, message]) =>
    `== ${name}\n${wordsOf(message, NOW).plain}\n`
  ).join("\n");
  assertEquals(found, await readFile(FILE, "utf8"));
});
