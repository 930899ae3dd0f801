import { assertEquals, assertThrows } from "@std/assert";
import { parseDemoOptions } from "../../../local/demo/options.ts";
import { UsageError } from "../../../runtime/cli/exit_codes.ts";

Deno.test("parseDemoOptions() has defaults for everything", () => {
  assertEquals(parseDemoOptions([]), { help: false, seconds: null, config: null, data: null });
});

Deno.test("parseDemoOptions() reads every option", () => {
  assertEquals(parseDemoOptions(["--seconds", "20", "-c", "my.yaml", "--data=kept", "-h"]), {
    help: true,
    seconds: 20,
    config: "my.yaml",
    data: "kept",
  });
});

for (
  const [args, message] of [
    [["--second", "3"], 'Unknown argument "--second"; see --help'],
    [["agent"], 'Unknown argument "agent"; see --help'],
    [["--seconds", "0"], 'Option "--seconds" needs a number over 0, found "0"'],
    [["--seconds", "x"], 'Option "--seconds" needs a number over 0, found "x"'],
    [["--seconds", "1e9"], 'Option "--seconds" needs a number over 0, found "1e9"'],
    [["--data="], 'Option "--data" needs a value'],
  ] as const
) {
  Deno.test(`parseDemoOptions() refuses ${args.join(" ")}`, () => {
    assertThrows(() => parseDemoOptions(args), UsageError, message);
  });
}
