import { assertEquals } from "@std/assert";
import { minutes, play, SITE, tell, toldOf, worldOf } from "../../play.ts";

Deno.test("Overview tells of a site that flaps once, and once when that is over", () => {
  const told = tell([{ 1: "u".repeat(21) + "ddduu".repeat(6) + "u".repeat(30) }]);
  assertEquals(told, [
    "23:00 opened down of site 1",
    "25:00 resolved down of site 1",
    "28:00 opened down of site 1",
    "30:00 resolved down of site 1",
    // The sixth change of 20.
    "33:00 opened down of site 1",
    "34:00 flapping down of site 1",
    // The fifth last change is out of sight.
    "56:00 flapping no more down of site 1",
    "56:00 resolved down of site 1",
  ]);
});

Deno.test("Overview keeps what flapped open where it stays down", () => {
  const told = tell([{ 1: "u".repeat(21) + "ddduu".repeat(3) + "d".repeat(30) + "uu" }]);
  assertEquals(told.slice(4), [
    "33:00 opened down of site 1",
    "34:00 flapping down of site 1",
    "44:00 flapping no more down of site 1",
    "67:00 resolved down of site 1",
  ]);
});

Deno.test("Overview does not tell of one that flaps where it never fails often enough", () => {
  assertEquals(tell([{ 1: "ud".repeat(30) + "u".repeat(30) }]), []);
});

Deno.test("Overview asks more than half of a site's agents whether it flaps", () => {
  const flaps = "u".repeat(21) + "ddduu".repeat(6);
  const world = worldOf();
  play(minutes([flaps, "u".repeat(51)]), world);
  assertEquals(world.site(SITE)!.isFlapping, false);
  play(minutes([flaps, flaps, "u".repeat(51)]), world);
  assertEquals(toldOf(world), []);
  const all = worldOf();
  play(minutes([flaps, flaps, "u".repeat(51)]), all);
  assertEquals(all.site(SITE)!.isFlapping, true);
});
