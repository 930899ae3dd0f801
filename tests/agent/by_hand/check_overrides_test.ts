import { assertEquals, assertThrows } from "@std/assert";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withOptions } from "../../../agent/by_hand/check_overrides.ts";
import { parseCommand } from "../../../runtime/cli/cli.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";
import { site, type SiteValues, withFolder } from "../support.ts";

function overridden(args: string[], values: SiteValues = {}, cwd = "/") {
  const command = parseCommand(["check", "x", ...args], () => undefined);
  if (command.kind !== "run") throw new Error("not a run");
  return withOptions(site(values), command.options, cwd);
}

const text = (body: Uint8Array | null) => new TextDecoder().decode(body ?? new Uint8Array());

Deno.test("withOptions() leaves a site as it is where no option is given", () => {
  assertEquals(overridden([]), site());
});

Deno.test("withOptions() asks as the options say, and else as the site does", () => {
  const args =
    "-X put -k -6 --timeout 1.5 --resolve A.example:443:[::1] --resolve b.example:192.0.2.1";
  const { timeoutMs, request } = overridden(args.split(" "), {
    request: { resolve: { "c.example": "192.0.2.3" }, maxRedirects: 3 },
  });
  assertEquals([timeoutMs, request.method, request.ipVersion], [1_500, "PUT", "6"]);
  assertEquals([request.tls?.insecure, request.maxRedirects], [true, 3]);
  assertEquals(request.resolve, {
    "a.example": "::1",
    "b.example": "192.0.2.1",
    "c.example": "192.0.2.3",
  });
});

Deno.test("withOptions() replaces headers by name, and takes away those without a value", () => {
  const { request } = overridden(["-H", "a: 2", "-H", "Host: other:8", "-H", "B:"], {
    request: { headers: [["A", "1"], ["b", "1"], ["C", "1"]] },
  });
  assertEquals(request.headers, [["C", "1"], ["a", "2"], ["Host", "other:8"]]);
});

Deno.test("withOptions() sends a body by POST, as a form unless a header says otherwise", async () => {
  const form = overridden(["-d", "a=b"]).request;
  assertEquals([form.method, text(form.body)], ["POST", "a=b"]);
  assertEquals(form.headers, [["Content-Type", "application/x-www-form-urlencoded"]]);
  const json = overridden(["-d", "{}", "-X", "PATCH", "-H", "content-type: application/json"]);
  assertEquals([json.request.method, json.request.headers], ["PATCH", [
    ["content-type", "application/json"],
  ]]);
  await withFolder(async (folder) => {
    await writeFile(join(folder, "body.txt"), "from a file\n");
    assertEquals(text(overridden(["-d", "@body.txt"], {}, folder).request.body), "from a file\n");
  });
});

for (
  const [args, message] of [
    [
      ["-X", "A B"],
      'Option "-X": expected a method of HTTP, other than CONNECT and TRACE, found "A B"',
    ],
    [["-H", "nothing"], 'Option "-H" needs "Name: value", found "nothing"'],
    [
      ["-H", "Connection: close"],
      'Option "-H": expected no such header: the key "connection" is for it, found "Connection"',
    ],
    [["--resolve", "a.example"], 'Option "--resolve" needs "HOST:ADDR", found "a.example"'],
    [["-d", "@nowhere"], 'Option "-d": no file "nowhere" (ENOENT)'],
  ] as const
) {
  Deno.test(`withOptions() refuses ${args.join(" ")}`, () => {
    assertEquals(assertThrows(() => overridden([...args]), UsageError).message, message);
  });
}
