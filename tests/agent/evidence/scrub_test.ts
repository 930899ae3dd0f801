import { assertEquals } from "@std/assert";
import { scrub as scrubSecrets } from "../../../agent/evidence/scrub.ts";
import { assertLinear } from "../../support/growth.ts";

function scrub(text: string, secrets: readonly string[], isCut = false): string {
  return scrubSecrets(text, secrets.map((value) => ({ value, name: "(hidden)" })), isCut);
}

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P";

/** What is left of texts that hold no secret of ours, but look as if they held one. */
const LOOKING: [text: string, expected: string][] = [
  ["password=hunter2", "password=(hidden)"],
  ["passwd: hunter2, user: me", "passwd: (hidden), user: me"],
  ['{"password":"hunter 2","user":"me"}', '{"password":(hidden),"user":"me"}'],
  ['{"password": "hun\\"ter"}', '{"password": (hidden)}'],
  ["{'db_password': 'hunter 2'}", "{'db_password': (hidden)}"],
  ["DB_PASSWORD=hunter2", "DB_PASSWORD=(hidden)"],
  ["'secret_key' => 'a b c',", "'secret_key' => (hidden),"],
  ["client_secret=abc&grant_type=x", "client_secret=(hidden)&grant_type=x"],
  ["https://a.test/?token=abc&b=c", "https://a.test/?token=(hidden)&b=c"],
  ["https://a.test/?access_token=abc#x", "https://a.test/?access_token=(hidden)"],
  ["?api_key=1&apikey=2&api-key=3", "?api_key=(hidden)&apikey=(hidden)&api-key=(hidden)"],
  ["X-Api-Key: abcdef\nHost: a", "X-Api-Key: (hidden)\nHost: a"],
  ["csrfToken: abc", "csrfToken: (hidden)"],
  ["user[password]=abc", "user[password]=(hidden)"],
  [
    "&quot;password&quot;:&quot;a b&quot;,&quot;x&quot;",
    "&quot;password&quot;:(hidden),&quot;x&quot;",
  ],
  ["&#34;token&#34;: &#34;abc&#34;", "&#34;token&#34;: (hidden)&#34;"],
  ['"{\\"token\\":\\"a b\\",\\"x\\":1}"', '"{\\"token\\":(hidden),\\"x\\":1}"'],
  ["/page;jsessionid=AB12?x=1", "/page;jsessionid=(hidden)"],
  ["session_id = abc", "session_id = (hidden)"],
  ["X-Amz-Signature=abc123&x=1", "X-Amz-Signature=(hidden)&x=1"],
  ["Authorization: Bearer abc def\nAccept: x", "Authorization: (hidden)\nAccept: x"],
  ['{"authorization":"Basic YTpi","x":1}', '{"authorization":(hidden),"x":1}'],
  ["Cookie: a=b; c=d\r\nX: y", "Cookie: (hidden)\r\nX: y"],
  ["Set-Cookie: sid=1; HttpOnly", "Set-Cookie: (hidden)"],
  ["curl -H 'Bearer abcDEF123456'", "curl -H 'Bearer (hidden)'"],
  ["Basic dXNlcjpwYXNz", "Basic (hidden)"],
  [`the ${JWT}!`, "the (hidden)!"],
  [`-${JWT}`, "-(hidden)"],
  [`<b>${JWT.slice(0, 40)}`, "<b>(hidden)"],
  ["postgres://app:hunter2@db.test:5432/x", "postgres://(hidden)@db.test:5432/x"],
  ["http://user:pass@a.test/", "http://(hidden)@a.test/"],
  [
    '<input type="password" name="p" value="hunter2"><input name=q value=ok>',
    '<input type="password" name="p" value="(hidden)"><input name=q value=ok>',
  ],
  [
    `<meta name="csrf-token" content='abc def'>`,
    '<meta name="csrf-token" content="(hidden)">',
  ],
  [
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY----- (hidden) -----END RSA PRIVATE KEY-----",
  ],
];

for (const [text, expected] of LOOKING) {
  Deno.test(`scrub() of ${JSON.stringify(text.slice(0, 60))}`, () => {
    assertEquals(scrub(text, []), expected);
  });
}

for (
  const text of [
    "401 Basic authentication required",
    "Please sign in with your password.",
    "The token has expired",
    "Bearer token missing",
    '{"status":"error","code":500,"message":"no route to host"}',
    "https://example.org/path?page=2&q=a@b",
    "mail me at me@example.org: thanks",
    "<h1>503 Service Unavailable</h1>\n<p>nginx/1.25.3</p>",
    '<meta name="viewport" content="width=device-width">',
    "Ünïcode 😀 stays",
    "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
  ]
) {
  Deno.test(`scrub() leaves ${JSON.stringify(text)}`, () => assertEquals(scrub(text, []), text));
}

const SECRET = `p&ss <w>"ö'd/+?`;

for (
  const [form, text] of [
    ["as it is", SECRET],
    ["in a URL", encodeURIComponent(SECRET)],
    ["in a form", new URLSearchParams({ a: SECRET }).toString().slice(2)],
    ["in JSON", JSON.stringify(SECRET).slice(1, -1)],
    ["in HTML", "p&amp;ss &lt;w&gt;&quot;ö&#39;d/+?"],
    ["in HTML text", `p&amp;ss &lt;w&gt;"ö'd/+?`],
    ["in other HTML", "p&amp;ss &lt;w&gt;&#34;ö&#x27;d/+?"],
    ["in Base64", btoa(String.fromCharCode(...new TextEncoder().encode(SECRET)))],
  ] as const
) {
  Deno.test(`scrub() takes out a given secret ${form}`, () => {
    assertEquals(scrub(`1 ${text} 2 ${text}`, [SECRET]), "1 (hidden) 2 (hidden)");
  });
}

Deno.test("scrub() takes out the longer of two secrets first", () => {
  assertEquals(scrub("abcdefgh abcd", ["abcd", "abcdefgh"]), "(hidden) (hidden)");
});

Deno.test("scrub() takes out the start of a secret at the end of a text that was cut", () => {
  const secrets = ["correct-horse-battery"];
  assertEquals(scrub("it is correct-hor", secrets, true), "it is (hidden)");
  assertEquals(scrub("it is correct-hor", secrets, false), "it is correct-hor");
  assertEquals(scrub("it is cor", secrets, true), "it is cor");
});

Deno.test("scrub() takes time in proportion to the text, whatever is in it", () => {
  const pieces = [
    "password=",
    "password",
    'token="',
    "token='\\",
    'token: \\"',
    "secret=&quot;",
    "eyJ",
    "-eyJ",
    "eyJ.",
    "a://",
    "a://b:c",
    "<input ",
    "<input value=",
    "<meta",
    "cookie:",
    "Bearer ",
    "Basic a",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "\\",
    '"',
    " ",
    "a-",
    "key[",
    "api_key]]]]",
  ];
  for (const piece of pieces) {
    const work = (bytes: number) => {
      scrub(piece.repeat(Math.ceil(bytes / piece.length)), ["a secret", "password=x"], true);
    };
    assertLinear(work, 8_000, piece);
  }
});

Deno.test("scrub() puts a secret's name in its place, and leaves it there", () => {
  const secrets = [{ value: "S3cret$&", name: "${TOKEN}" }];
  for (
    const [text, expected] of [
      ["https://a.test/?token=S3cret$&&x=1", "https://a.test/?token=${TOKEN}&x=1"],
      ["https://a.test/?token=S3cret%24%26", "https://a.test/?token=${TOKEN}"],
      ['{"password": "S3cret$&"}', '{"password": "${TOKEN}"}'],
      ["password=${TOKEN}hunter2", "password=(hidden)}hunter2"],
    ] as const
  ) {
    assertEquals(scrubSecrets(text, secrets), expected);
  }
});
