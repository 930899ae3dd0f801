import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { ExchangeFailure } from "../../../../agent/http/errors.ts";
import { ACCEPT_ENCODING } from "../../../../agent/http/timed/read/decode.ts";
import { encodeRequest } from "../../../../agent/http/timed/request_head.ts";
import { parseTarget } from "../../../../agent/http/target.ts";
import { type HttpRequest, whole } from "../../../../agent/http/types.ts";
import { VERSION } from "../../../../runtime/cli/version.ts";

function encode(request: Partial<HttpRequest> = {}): string {
  const one = whole({ url: "http://Site.test/a?b", ...request });
  return String(encodeRequest(one, parseTarget(one.url)));
}

Deno.test("encodeRequest() gives the defaults", () => {
  assertEquals(
    encode(),
    `GET /a?b HTTP/1.1\r\nHost: Site.test\r\nConnection: close\r\nUser-Agent: httpmon/${VERSION}\r\n` +
      `Accept: */*\r\nAccept-Encoding: ${ACCEPT_ENCODING}\r\n\r\n`,
  );
});

Deno.test("encodeRequest() lets the caller's headers replace the defaults", () => {
  const headers = [
    ["host", "other.test"],
    ["USER-AGENT", "own"],
    ["Accept", "a/b"],
    ["accept-encoding", "identity"],
    ["connection", "Upgrade"],
    ["X-A", "1"],
    ["X-A", "2 é"],
  ] as const;
  assertEquals(
    encode({ headers }),
    "GET /a?b HTTP/1.1\r\nhost: other.test\r\nUSER-AGENT: own\r\nAccept: a/b\r\n" +
      "accept-encoding: identity\r\nconnection: Upgrade\r\nX-A: 1\r\nX-A: 2 é\r\n\r\n",
  );
});

Deno.test("encodeRequest() tells the length of a body, also of an empty one", () => {
  const body = Buffer.from("é");
  const withBody = encode({ method: "PUT", body });
  assertEquals(withBody.endsWith("Content-Length: 2\r\n\r\né"), true);
  assertEquals(encode({ method: "POST" }).includes("Content-Length: 0\r\n"), true);
  assertEquals(encode({ method: "DELETE" }).includes("Content-Length"), false);
});

Deno.test("encodeRequest() asks for the connection to stay only to reuse it", () => {
  assertEquals(encode({ reuseConnection: true }).includes("Connection: keep-alive\r\n"), true);
});

Deno.test("encodeRequest() lets nothing break out of its place", () => {
  const wrong: Partial<HttpRequest>[] = [
    { method: "GET / HTTP/1.1\r\nX:" },
    { headers: [["X", "a\r\nY: b"]] },
    { headers: [["X", "a\nb"]] },
    { headers: [["X", "a\0b"]] },
    { headers: [["X: y\r\nZ", "a"]] },
    { headers: [["", "a"]] },
  ];
  for (const request of wrong) {
    const { error } = assertThrows(() => encode(request), ExchangeFailure);
    assertEquals(error.class, "not_made", JSON.stringify(request));
  }
});
