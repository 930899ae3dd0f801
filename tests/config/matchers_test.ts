import { assertEquals } from "@std/assert";
import { allOf, parseMatcher, showMatcher } from "../../config/matchers.ts";

const LABELS = { group: "web", site: "shop 1", severity: "critical" };

for (
  const [text, holds] of [
    ['group="web"', true],
    ["group=web", true],
    [' group = "web" ', true],
    ["group=api", false],
    ["group!=api", true],
    ["group!=web", false],
    ['site=~"shop.*"', true],
    ["site=~shop", false],
    ['site=~"shop 1|shop 2"', true],
    ['site!~"shop.*"', false],
    ["team=", true],
    ["team!=", false],
    ['team=~".*"', true],
    ["constructor=", true],
  ] as [string, boolean][]
) {
  Deno.test(`parseMatcher() reads ${text}, which ${holds ? "holds" : "does not hold"}`, () => {
    const matcher = parseMatcher(text)!;
    assertEquals(allOf([matcher])(LABELS), holds);
    assertEquals(parseMatcher(showMatcher(matcher)), matcher);
  });
}

for (
  const text of ["group", "=web", "1a=web", 'group="web', 'site=~"("', 'site=~"a(?=b)"', "a b=c"]
) {
  Deno.test(`parseMatcher() does not read ${text}`, () => assertEquals(parseMatcher(text), null));
}

Deno.test("allOf() wants all of them, none hold for everything", () => {
  const of = (...texts: string[]) => allOf(texts.map((text) => parseMatcher(text)!))(LABELS);
  assertEquals([of(), of("group=web", "severity=critical"), of("group=web", "severity=warning")], [
    true,
    true,
    false,
  ]);
  const broken = { name: "site", value: "(", isRegex: true, isEqual: false };
  assertEquals(allOf([broken])(LABELS), false);
});
