import { assertEquals } from "@std/assert";
import { readGrant } from "../../../agent/auth/oauth2.ts";

const utf8 = new TextEncoder();
const HOUR_MS = 3_600_000;

const CASES: {
  name: string;
  status?: number;
  answer: unknown;
  expected: ReturnType<typeof readGrant>;
}[] = [
  {
    name: "a token",
    answer: { access_token: "abc.DEF-1~/+==", token_type: "Bearer", expires_in: 3600 },
    expected: { value: "abc.DEF-1~/+==", lifeMs: HOUR_MS },
  },
  {
    name: "a life in quotes and a type in lower case",
    answer: { access_token: "abc", token_type: "bearer", expires_in: "60" },
    expected: { value: "abc", lifeMs: 60_000 },
  },
  {
    name: "a token that says no more",
    answer: { access_token: "abc" },
    expected: { value: "abc", lifeMs: 300_000 },
  },
  {
    name: "a token that lives for years",
    answer: { access_token: "abc", expires_in: 1e9 },
    expected: { value: "abc", lifeMs: 24 * HOUR_MS },
  },
  {
    name: "an error with a code",
    status: 401,
    answer: { error: "invalid_client", error_description: "the secret s3cret is wrong" },
    expected: "its server answered 401 (invalid_client)",
  },
  {
    name: "an error with a text in the code's place",
    status: 400,
    answer: { error: "the secret s3cret is wrong" },
    expected: "its server answered 400",
  },
  { name: "an error page", status: 503, answer: "<html>", expected: "its server answered 503" },
  {
    name: "a redirect",
    status: 302,
    answer: { access_token: "abc" },
    expected: "its server answered 302",
  },
  { name: "a page", answer: "<html>", expected: "its server's answer is not a JSON object" },
  { name: "a bare value", answer: null, expected: "its server's answer is not a JSON object" },
  ...[undefined, "", "a b", "a\r\nX: y", 7].map((token) => ({
    name: `the token ${JSON.stringify(token)}`,
    answer: { access_token: token },
    expected: `its server's answer has no "access_token" that a header can carry`,
  })),
  {
    name: "a token of another type",
    answer: { access_token: "abc", token_type: "mac" },
    expected: `its server's token is not of type "Bearer"`,
  },
  ...[0, -1, "soon"].map((life) => ({
    name: `a life of ${life}`,
    answer: { access_token: "abc", expires_in: life },
    expected: `its server's answer has no "expires_in" over 0`,
  })),
];

for (const { name, status = 200, answer, expected } of CASES) {
  Deno.test(`readGrant() of ${name}`, () => {
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    assertEquals(readGrant(status, utf8.encode(text)), expected);
  });
}
