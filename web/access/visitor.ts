import { createHash } from "node:crypto";
import { BlockList, isIP } from "node:net";
import type { WebAccess } from "../../config/types.ts";
import type { Visitor } from "../env.ts";
import type { Session } from "./session.ts";

/** What a request says of who makes it. */
export interface Signs {
  /** The socket's other end. */
  address: string;
  header: (name: string) => string | undefined;
  session: Session | null;
}

/** Tells who asks, by what the config says of access. */
export class Doorkeeper {
  readonly #access: WebAccess;
  readonly #proxies = new BlockList();
  readonly #tokens: ReadonlyMap<string, WebAccess["tokens"][number]>;

  constructor(access: WebAccess) {
    this.#access = access;
    this.#tokens = new Map(access.tokens.map((token) => [token.sha256, token]));
    for (const network of access.proxyHeader?.from ?? []) {
      const [address, bits] = network.split("/") as [string, string | undefined];
      if (bits === undefined) this.#proxies.addAddress(address, familyOf(address));
      else this.#proxies.addSubnet(address, Number(bits), familyOf(address));
    }
  }

  /** Whether nobody is asked who they are: the config says nothing of access, which loopback alone may. */
  get isOpen(): boolean {
    const { tokens, proxyHeader } = this.#access;
    return !this.hasUsers && tokens.length === 0 && proxyHeader === null;
  }

  get hasUsers(): boolean {
    return Object.keys(this.#access.users).length > 0;
  }

  /** Null: nobody who is known. */
  visitor({ address, header, session }: Signs): Visitor | null {
    if (this.isOpen) return { name: null, role: "operate", isAmbient: true };
    const [, given] = /^Bearer +(\S+)$/i.exec(header("authorization") ?? "") ?? [];
    // Looked up by its hash: how long that takes tells nothing of the tokens there are.
    const token = given && this.#tokens.get(createHash("sha256").update(given).digest("hex"));
    if (token) return { name: token.name, role: token.role, isAmbient: false };
    const { proxyHeader, users } = this.#access;
    const named = proxyHeader && this.#isProxy(address) && header(proxyHeader.name)?.trim();
    if (named) {
      const role = proxyHeader.operate.includes(named) ? "operate" : "view";
      return { name: named, role, isAmbient: true };
    }
    const name = session?.user ?? null;
    return name === null || !Object.hasOwn(users, name)
      ? null
      : { name, role: users[name]!.role, isAmbient: true };
  }

  /** Where a request comes from: what the last proxy that is not ours saw. */
  origin({ address, header }: Signs): string {
    const hops = (header("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
    let from = address;
    while (this.#isProxy(from) && isIP(hops.at(-1) ?? "") !== 0) from = hops.pop()!;
    return from;
  }

  #isProxy(address: string): boolean {
    const bare = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
    if (isIP(bare) === 0) return false;
    return this.#proxies.check(bare, familyOf(bare));
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}
