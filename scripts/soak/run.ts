import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataFolder } from "../../local/data_folder.ts";
import { startKafka } from "../../local/kafka/kafka.ts";
import { SoakAgent } from "./agent.ts";
import { type Bounds, type Finding, judge, mib, starvation } from "./judge.ts";
import { readResults, recordsIn } from "./read_results.ts";
import { startSiteServers } from "./servers.ts";
import { planSites, type SoakSize, websitesOf } from "./sites.ts";
import { median, quantile } from "../measure/statistics.ts";
import { Tally } from "./tally.ts";
import { type Usage, usageOf } from "../measure/usage.ts";

export interface SoakOptions extends SoakSize {
  /** How long the agent runs. */
  seconds: number;
  bounds: Bounds;
  /** A Kafka that is there already. @default one of our own */
  brokers?: readonly string[];
  /** Takes each line of the report. */
  print: (line: string) => void;
}

const SAMPLE_MS = 1_000;
const PROGRESS_S = 30;

/** Lets an agent check its sites for so long, and says what is to be said of it. */
export async function runSoak(options: SoakOptions): Promise<Finding[]> {
  const { print, seconds, frequency } = options;
  await using parts = new AsyncDisposableStack();
  const data = await dataFolder();
  parts.defer(() => data.close());
  const brokers = options.brokers ?? await ownKafka(join(data.path, "kafka"), parts);
  const servers = await startSiteServers();
  parts.defer(() => servers.stop());

  const topic = `soak-${randomUUID()}`;
  const caFile = join(data.path, "ca.pem");
  await writeFile(caFile, servers.ca);
  const sites = planSites(options, servers, caFile);
  await writeFile(join(data.path, "config.yaml"), configText(brokers, topic, websitesOf(sites)));
  const hostile = sites.filter(({ behaviour }) => behaviour !== "fine").length;
  print(`${sites.length} sites, ${hostile} of them hostile, every ${frequency} s for ${seconds} s`);

  const before = performance.now();
  const { agent, startedAt } = await SoakAgent.start(data.path);
  parts.defer(async () => void await agent.stop());
  print(`The agent runs ${((performance.now() - before) / 1000).toFixed(1)} s after its start`);
  const usage = await watch(agent, options, () => recordsIn(brokers, topic));
  const stoppedAt = Date.now();
  const waited: Record<string, number> = { "the agent": usage.at(-1)!.waited };
  for (const [who, pid] of Object.entries(servers.pids)) waited[who] = (await usageOf(pid)).waited;
  const exitCode = await agent.stop();

  const tally = new Tally(sites);
  await readResults(brokers, topic, (value) => tally.add(value));
  const { summary, complaints } = await agent.logged();
  print(costs(usage, tally));
  const starved = starvation(waited, seconds);
  const run = { exitCode, startedAt, stoppedAt, summary, complaints, usage, starved };
  return judge(run, tally, frequency, options.bounds);
}

async function ownKafka(folder: string, parts: AsyncDisposableStack): Promise<string[]> {
  const kafka = await startKafka({ folder });
  parts.defer(() => kafka.stop());
  return kafka.brokers;
}

/** JSON is YAML. */
function configText(brokers: readonly string[], topic: string, websites: unknown): string {
  return JSON.stringify(
    {
      loglevel: "INFO",
      kafka: { monitoring: { bootstrap_servers: brokers, topic } },
      websites,
      agent: { state_dir: "state" },
    },
    null,
    1,
  );
}

/** Looks at the agent until its time is over, and says now and then how it fares. */
async function watch(
  agent: SoakAgent,
  { seconds, print }: SoakOptions,
  published: () => Promise<number>,
): Promise<Usage[]> {
  const usage: Usage[] = [];
  const start = performance.now();
  let told = { second: 0, cpu: agent.usage().cpu };
  for (let n = 1; n * SAMPLE_MS <= seconds * 1000; n++) {
    const wait = start + n * SAMPLE_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, wait));
    await agent.assertRuns();
    const sample = agent.usage();
    usage.push(sample);
    const second = (performance.now() - start) / 1000;
    if (second - told.second < PROGRESS_S - 0.5) continue;
    const cpu = 100 * (sample.cpu - told.cpu) / (second - told.second);
    told = { second, cpu: sample.cpu };
    print(
      `${second.toFixed(0).padStart(5)} s: ${await published()} results published, ` +
        `${mib(sample.rss)}, ${cpu.toFixed(0)} % of a core`,
    );
  }
  return usage;
}

/** What it took, of the machine and of the fine sites' time. */
function costs(usage: readonly Usage[], { records, responseTimes }: Tally): string {
  const { cpu, waited } = usage.at(-1)!;
  return `${(cpu * 1000 / records).toFixed(2)} ms of CPU a check, its start included; it waited ` +
    `for a core for ${waited.toFixed(1)} s in all; fine sites answered in ` +
    `${median(responseTimes).toFixed(1)} ms at the median, ` +
    `${quantile(responseTimes, 0.99).toFixed(1)} ms at p99`;
}
