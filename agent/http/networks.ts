import { BlockList, isIP } from "node:net";
import { keep } from "../bounded_map.ts";
import { failure } from "./errors.ts";

/** Where nobody but the machine itself has business: link-local, and what clouds tell their machines. */
const DEFAULT_DENIED: readonly string[] = [
  "169.254.0.0/16",
  "fe80::/10",
  // Amazon and Google by IPv6; Alibaba, Azure and Oracle.
  "fd00:ec2::/32",
  "fd20:ce::254",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
];

/** What the Internet does not route (RFC 6890). */
const PRIVATE: readonly string[] = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "::/127",
  "fc00::/7",
  "fe80::/10",
];

/** What a hop is told of the ones before it. */
export interface Before {
  isRedirect: boolean;
  /** Whether it comes from a public site and may not go into a private network. */
  wasPublic: boolean;
}

/** A set of addresses. An IPv4 address that is written as IPv6 is the same. */
class Networks {
  readonly #list = new BlockList();
  /** To ask the list costs 15 us, and sites keep their addresses. */
  readonly #known = new Map<string, boolean>();

  /** @param networks "192.0.2.0/24", or an address */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address, bits] = network.split("/") as [string, string | undefined];
      const family = isIP(address) === 4 ? "ipv4" : "ipv6";
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  has(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const bare = address.replace(/%.*$/, "");
    return keep(this.#known, address, this.#list.check(bare, isIP(bare) === 4 ? "ipv4" : "ipv6"));
  }
}

/** Where a client may go. */
export class NetworkRules {
  readonly #denied: Networks;
  readonly #private: Networks;

  /** @param denied Where no request goes, "192.0.2.0/24" or an address each */
  constructor(denied = DEFAULT_DENIED, notPublic = PRIVATE) {
    this.#denied = new Networks(denied);
    this.#private = new Networks(notPublic);
  }

  /** @throws ExchangeFailure for an address where a hop may not go */
  check(address: string, { isRedirect, wasPublic }: Before): void {
    if (this.#denied.has(address)) {
      const detail = `${address} is in agent.deny_networks`;
      throw failure(isRedirect ? "redirect_denied" : "not_made", detail);
    }
    if (wasPublic && this.#private.has(address)) {
      throw failure("redirect_denied", `From a public site to ${address}, which is private`);
    }
  }

  isPublic(address: string): boolean {
    return !this.#private.has(address);
  }
}
