import { CASES } from "../../tests/agent/http/client_cases.ts";
import type { ResultMessage } from "../../wire/message.ts";
import type { SiteServers } from "./servers.ts";

/** What a result says of its site, as far as the soak compares it. */
export type Outcome =
  & Required<
    Pick<ResultMessage, "responseCode" | "regexResult" | "verdict" | "bodyTruncated">
  >
  & { reason: string | null; errorClass: string | null };

/** A site of the soak. */
export interface SoakSite {
  /** What it does: "fine", or the name of its hostile case. */
  behaviour: string;
  url: string;
  /** What the config says of it. */
  settings: Record<string, unknown>;
  /** What every one of its results is to say. */
  expected: Outcome;
}

/** How many sites, and how often they are checked. */
export interface SoakSize {
  sites: number;
  /** Percent of the sites that misbehave. */
  hostile: number;
  /** Seconds between two checks of a site. */
  frequency: number;
}

/** A hostile case, as a site's URL (without what makes it unique) and what comes of it. */
interface Behaviour {
  name: string;
  url: string;
  settings: Record<string, unknown>;
  expected: Outcome;
}

/** Every tenth fine site has its body searched. */
const REGEX_EVERY = 10;

/** What a hang costs at most: seconds, and half the frequency, so that no slot is skipped for it. */
const HOSTILE_TIMEOUT = 4;
const FINE_TIMEOUT = 30;

const FINE: Outcome = {
  verdict: "up",
  reason: null,
  errorClass: null,
  responseCode: 200,
  regexResult: null,
  bodyTruncated: false,
};

/** The sites of a soak: the hostile ones are spread over the rest, and take turns in the cases. */
export function planSites(size: SoakSize, servers: SiteServers, caFile: string): SoakSite[] {
  const { sites, frequency } = size;
  const behaviours = hostileBehaviours(servers, caFile);
  const hostileTimeout = Math.min(HOSTILE_TIMEOUT, frequency / 2);
  let hostileSites = 0;
  return Array.from({ length: sites }, (_, n) => {
    const hostileWanted = Math.floor((n + 1) * size.hostile / 100);
    if (hostileWanted === hostileSites) return fineSite(n, frequency, servers);
    const { name, url, settings, expected } = behaviours[hostileSites % behaviours.length]!;
    hostileSites++;
    return {
      behaviour: name,
      url: `${url}?${n}`,
      settings: { frequency, timeout: hostileTimeout, ...settings },
      expected,
    };
  });
}

function fineSite(n: number, frequency: number, { fine }: SiteServers): SoakSite {
  const settings = { frequency, timeout: FINE_TIMEOUT };
  const site = { behaviour: "fine", url: `http://127.0.0.1:${fine}/${n}` };
  if (n % REGEX_EVERY !== 0) return { ...site, settings, expected: FINE };
  return {
    ...site,
    settings: { ...settings, regex: "^page of \\d+ is (good|fine)$" },
    expected: { ...FINE, regexResult: true },
  };
}

/**
 * The cases of the client's own tests that are about what a server does, and not about a setting; then
 * the certificates.
 */
function hostileBehaviours(servers: SiteServers, caFile: string): Behaviour[] {
  const cases = CASES.filter(({ name, method, followRedirects, readBodyBytes, expected }) =>
    name !== "fine" && method === undefined && followRedirects === undefined &&
    readBodyBytes === undefined &&
    expected.error !== "not_made"
  );
  const tlsCase = (name: keyof SiteServers["tls"], errorClass: string): Behaviour => ({
    name: `certificate ${name}`,
    url: `https://127.0.0.1:${servers.tls[name]}/fine`,
    settings: { tls: { ca_file: caFile } },
    expected: outcome(null, errorClass),
  });
  return [
    ...cases.map(({ name, url, expected }) => ({
      name,
      url: url ?? `http://127.0.0.1:${servers.hostile}/${name}`,
      settings: {},
      expected: {
        ...outcome(expected.status, expected.error),
        bodyTruncated: expected.truncated ?? false,
      },
    })),
    tlsCase("expired", "tls_certificate_expired"),
    tlsCase("selfSigned", "tls_certificate_untrusted"),
    tlsCase("otherName", "tls_certificate_name"),
  ];
}

function outcome(responseCode: number | null, errorClass: string | null): Outcome {
  const reason = errorClass ?? (responseCode === 200 ? null : "status");
  return { ...FINE, verdict: reason === null ? "up" : "down", reason, errorClass, responseCode };
}

/** The sites as the config has them, under `websites:`. */
export function websitesOf(sites: readonly SoakSite[]): Record<string, unknown> {
  return Object.fromEntries(sites.map(({ url, settings }) => [url, settings]));
}
