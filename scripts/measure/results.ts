/** Results as agents send them, for the benches. */
import type { ResultMessage } from "../../wire/message.ts";
import { formatTimestamp } from "../../wire/timestamp.ts";

const AGENT = "6f3b1a52-6a2c-4c5e-9d1f-0a8b7c6d5e4f";
/** Of a hundred checks of a full site, one finds it down, with evidence. */
const DOWN_EVERY = 100;

/** What agents send beside the seven fields. */
export const SHAPES = {
  "seven fields": (): Partial<ResultMessage> => ({}),
  "all fields": (site: number, minute: number): Partial<ResultMessage> => {
    const down = (site + minute) % DOWN_EVERY === 0;
    const ms = 3 + (site * 7 + minute * 13) % 100 + 0.123;
    return {
      ...(down
        ? {
          verdict: "down",
          reason: "status",
          responseCode: 503,
          evidence: {
            statusLine: "HTTP/1.1 503 Service Unavailable",
            headers: { "content-type": "text/html", server: "nginx", "retry-after": "120" },
            body: `<html><body>Error ${site} ${minute} </body></html>`.repeat(20),
          },
        }
        : { verdict: "up" }),
      scheduledAt: formatTimestamp(at(site, minute) - 1_234n),
      frequency: 60,
      phases: { dns: 0.412, connect: ms / 3, tls: ms / 2, firstByte: ms, download: 0.731 },
      bodyBytes: 12_345 + (site * 31 + minute) % 500,
      bodyTruncated: false,
      remoteAddress: `192.0.2.${site % 250}`,
      httpVersion: "1.1",
      // A second certificate, as behind a balancer.
      tls: {
        version: "TLSv1.3",
        cipher: "TLS_AES_128_GCM_SHA256",
        verified: true,
        error: null,
        expiresAt: "2027-08-01 12:00:00.000000",
        fingerprint: `${(10 + (site + minute) % 2)}:`.repeat(31) + (10 + site % 90),
      },
      location: "eu-west",
      labels: { team: "web" },
      siteLabels: { group: `group ${site % 10}` },
    };
  },
};

/** Microseconds since 1970: yesterday's minute, sites spread over it. */
function at(site: number, minute: number): bigint {
  const day = Math.floor(Date.now() / 86_400_000) - 1;
  return BigInt(day * 86_400_000 + minute * 60_000 + (site * 997) % 60_000) * 1000n + 123n;
}

/** The result of a site of one minute of yesterday. */
export function resultOf(shape: keyof typeof SHAPES, site: number, minute: number): ResultMessage {
  return {
    ts: formatTimestamp(at(site, minute)),
    agentUUID: AGENT,
    url: `https://www.${site}.example/path`,
    regexResult: true,
    responseCode: 200,
    responseTime: 100 + (site * 7 + minute * 13) % 100 + 0.123,
    errorMessage: null,
    ...SHAPES[shape](site, minute),
  };
}
