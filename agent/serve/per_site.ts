import { setImmediate } from "node:timers";
import { type Site, siteId } from "../../config/types.ts";
import type { Checked } from "../check/check.ts";
import { headOf, linesOf, NAMES, samplesOf } from "./samples.ts";

/**
 * The last check of each site as metrics of blackbox_exporter's names, for `agent.metrics_per_site`.
 * `instance` is the site's URL, as it is for who scrapes by /probe; a job that takes it over has
 * "honor_labels: true".
 */
export class PerSiteMetrics {
  /** Lines by the site, then by the metric. */
  readonly #lines = new Map<string, Map<string, string>>();

  /** Takes a check; one whose verdict is unknown says nothing of its site, which is then left out. */
  record(site: Site, checked: Checked): void {
    const id = siteId(site);
    if (checked.message.verdict === "unknown") return void this.#lines.delete(id);
    const labels = { instance: site.url, ...(site.name !== null && { site: site.name }) };
    this.#lines.set(id, linesOf(samplesOf(checked, labels, site.secrets)));
  }

  /** Forgets sites that are not among these. */
  keepOnly(sites: readonly Site[]): void {
    const ids = new Set(sites.map(siteId));
    for (const id of this.#lines.keys()) if (!ids.has(id)) this.#lines.delete(id);
  }

  /** Prometheus's text format. A metric at a time, so that nothing else waits for 10,000 sites. */
  async text(): Promise<string> {
    const texts: string[] = [];
    for (const name of NAMES) {
      const lines = [...this.#lines.values()].flatMap((ofSite) => ofSite.get(name) ?? []);
      if (lines.length > 0) texts.push(headOf(name), ...lines);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return texts.join("");
  }
}
