/** The benches run; what they measure means nothing at these sizes. */
import { assertEquals, assertMatch } from "@std/assert";
import { ROOT } from "../../scripts/build/project.ts";

const SMALL: Record<string, string[]> = {
  agent: ["--sites", "20", "--seconds", "2", "--rounds", "1", "--only", "20 sites, TLS"],
  alerts: ["--sites", "50", "--rate", "20", "--seconds", "3"],
  end: ["--rate", "20", "--seconds", "3"],
  size: ["--sites", "5,10", "--frequency", "1", "--seconds", "3"],
  rollup: ["--sites", "3", "--days", "1"],
  start: ["--rounds", "1"],
  storage: ["5", "60"],
  writer: ["--results", "3000", "--rounds", "1"],
};

for (const [name, args] of Object.entries(SMALL)) {
  Deno.test(`deno task bench ${name} prints its figures`, async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `${ROOT}scripts/bench.ts`, name, ...args],
      cwd: ROOT,
    }).output();
    // It ends with 1 where it is slower than its bounds, as it may be here.
    if (name !== "alerts") {
      assertEquals(code, 0, new TextDecoder().decode(stderr));
    }
    assertMatch(new TextDecoder().decode(stdout), /\d/);
  });
}
