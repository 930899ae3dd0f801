import { assert, assertEquals } from "@std/assert";
import { badPortOf } from "../../config/site/urls.ts";

Deno.test("badPortOf() names the ports that the platform's fetch refuses, and no others", async () => {
  for (const port of [0, 1, 9, 22, 25, 110, 179, 993, 2049, 5060, 6000, 6665, 6669, 6697, 10080]) {
    const url = `http://127.0.0.1:${port}/`;
    assertEquals(badPortOf(url), port);
    const error = await fetch(url).catch((error) => error);
    assert(/blocked|bad port/.test(String(error)), `fetch takes port ${port}: ${error}`);
  }
  for (const port of [80, 443, 8080, 6001, 10081]) {
    assertEquals(badPortOf(`http://127.0.0.1:${port}/`), null);
  }
  for (const url of ["https://example.com/", "no URL"]) assertEquals(badPortOf(url), null);
});
