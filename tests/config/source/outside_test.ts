import { assertEquals } from "@std/assert";
import { interpolate } from "../../../config/source/outside.ts";

const ENV = { A: "1", B_2: "${A}", EMPTY: "", $: "x" };

Deno.test("interpolate() puts variables in, and does not look at them again", () => {
  assertEquals(interpolate("x${A}y${B_2}${EMPTY}z", ENV), {
    text: "x1y${A}z",
    secrets: [
      { value: "1", name: "${A}" },
      { value: "${A}", name: "${B_2}" },
      { value: "", name: "${EMPTY}" },
    ],
    missing: [],
    isBroken: false,
  });
});

Deno.test("interpolate() leaves other dollars alone and unescapes $${", () => {
  for (
    const [source, text] of [
      ["$A $ $$ a$", "$A $ $$ a$"],
      ["$${A}", "${A}"],
      ["$${A}${A}", "${A}1"],
      ["$$${A}", "$${A}"],
      ["^\\d{3}$", "^\\d{3}$"],
    ] as const
  ) {
    assertEquals(interpolate(source, ENV).text, text);
    assertEquals(interpolate(source, ENV).isBroken, false);
  }
});

Deno.test("interpolate() names each variable that is missing", () => {
  const { missing, secrets } = interpolate("${X} ${toString} ${Y}", ENV);
  assertEquals(missing, ["X", "toString", "Y"]);
  assertEquals(secrets, []);
});

Deno.test("interpolate() notices a ${ that starts no ${NAME}", () => {
  for (const source of ["${", "${}", "${1}", "${a b}", "${A:-b}", "a${A", "${A}${"]) {
    assertEquals(interpolate(source, ENV).isBroken, true, source);
  }
});
