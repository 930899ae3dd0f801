import { type Site, siteId } from "../../config/types.ts";
import type { Checked } from "../check.ts";
import { hideSecrets } from "../evidence/scrub.ts";
import { expositionOf, type Sample, samplesOf } from "./samples.ts";

/**
 * The last check of each site as metrics of blackbox_exporter's names, for `agent.metrics_per_site`.
 * `instance` is the site's URL, as it is for who scrapes by /probe; a job that takes it over has
 * "honor_labels: true".
 */
export class PerSiteMetrics {
  readonly #samples = new Map<string, Sample[]>();

  /** Takes a check; one whose verdict is unknown says nothing of its site, which is then left out. */
  record(site: Site, checked: Checked): void {
    const id = siteId(site);
    if (checked.message.verdict === "unknown") return void this.#samples.delete(id);
    const labels = { instance: site.url, ...(site.name !== null && { site: site.name }) };
    this.#samples.set(
      id,
      samplesOf(checked, labels).map((sample) => withoutSecrets(sample, site)),
    );
  }

  /** Forgets sites that are not among these. */
  keepOnly(sites: readonly Site[]): void {
    const ids = new Set(sites.map(siteId));
    for (const id of this.#samples.keys()) if (!ids.has(id)) this.#samples.delete(id);
  }

  text(): string {
    return expositionOf([...this.#samples.values()].flat());
  }
}

/** A certificate may name a host that came from outside. */
export function withoutSecrets(sample: Sample, { secrets }: Pick<Site, "secrets">): Sample {
  if (secrets.length === 0) return sample;
  const labels = Object.fromEntries(
    Object.entries(sample.labels).map(([name, text]) => [name, hideSecrets(text, secrets)]),
  );
  return { ...sample, labels };
}
