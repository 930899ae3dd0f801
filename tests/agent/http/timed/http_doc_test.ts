import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { outcomeOf } from "./read/parse_response.ts";

const doc = await Deno.readTextFile(new URL("../../../../docs/http.md", import.meta.url));

/** The rows of the table of cases. */
const CASES = [...doc.matchAll(/^\| (.+?) +\| `(.+?)` +\| (.+?) +\|/gm)]
  .map(([, name, bytes, outcome]) => ({ name: name!, bytes: unescape(bytes!), outcome: outcome! }));

Deno.test("docs/http.md says of each case what ResponseParser makes of it, wherever it is split", () => {
  assert(CASES.length > 50);
  for (const { name, bytes, outcome } of CASES) {
    for (let at = 0; at < bytes.length; at++) {
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
      assertEquals(outcomeOf(pieces), outcome, `${name}, split at ${at}`);
    }
  }
});

function unescape(text: string): Buffer {
  const marks: Record<string, string> = { "↵": "\r\n", "\\n": "\n", "\\r": "\r", "\\0": "\0" };
  const bytes = text.replace(/↵|\\[nr0]/g, (mark) => marks[mark]!)
    .replace(/\\x(..)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
  return Buffer.from(bytes, "latin1");
}
