import type { Site } from "../config/types.ts";
import type { HttpRequest, TlsOptions } from "./http/types.ts";

/** What to ask a site for, without what `auth` adds. */
export function siteRequest({ url, request }: Pick<Site, "url" | "request">): HttpRequest {
  const { body, resolve, proxy, tls, ...rest } = request;
  return {
    url,
    ...rest,
    ...(body !== null && { body }),
    ...(Object.keys(resolve).length > 0 && { resolve }),
    ...(proxy !== null && { proxy }),
    ...(tls !== null && { tls: tlsOptions(tls) }),
  };
}

function tlsOptions(
  { ca, cert, key, serverName, insecure }: NonNullable<Site["request"]["tls"]>,
): TlsOptions {
  return {
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    ...(serverName !== null && { serverName }),
    insecure,
  };
}
