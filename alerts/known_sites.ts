import type { AlertPolicy, PolicyOf } from "./policies.ts";
import type { About } from "./outbox/routes.ts";
import type { SitePolicy } from "./state/book.ts";

/** The sites that are known by their ids, and what the config says of them. */
export class KnownSites {
  readonly #configured: PolicyOf;
  readonly #sites = new Map<number, { about: About; policy: SitePolicy }>();
  /** Of those that the config has, by their names, or URLs where they have none. */
  readonly #ids = new Map<string, number>();

  constructor(configured: PolicyOf) {
    this.#configured = configured;
  }

  has(id: number): boolean {
    return this.#sites.has(id);
  }

  add(id: number, site: Parameters<PolicyOf>[0]): void {
    const policy = this.#configured(site);
    const name = site.name ?? site.url;
    const { channels, labels } = policy;
    this.#sites.set(id, {
      about: { name, url: site.url, channels, labels },
      policy: this.#withIds(policy),
    });
    if (policy.isExpected) this.#ids.set(name, id);
  }

  aboutOf(id: number): About {
    return this.#sites.get(id)!.about;
  }

  policyOf(id: number): SitePolicy {
    return this.#sites.get(id)!.policy;
  }

  /** What it depends on, and what on it, as far as they are known by then. */
  #withIds(policy: AlertPolicy): SitePolicy {
    const idsOf = (names: readonly string[]) => names.flatMap((name) => this.#ids.get(name) ?? []);
    return {
      ...policy,
      get parents() {
        return idsOf(policy.dependsOn);
      },
      get children() {
        return idsOf(policy.dependants);
      },
    };
  }
}
