/**
 * Mends kafkajs 2.2.4's `Cluster.metadata`: it drops what each broker failed with and answers null,
 * over which who asked trips ("Cannot destructure property 'brokers' of null"), so that nobody learns
 * that it was the broker's.
 */
import Cluster from "kafkajs/src/cluster/index.js";
import { SilentError } from "../errors.ts";

/** As it is used: its source knows of no topics. */
const prototype = Cluster.prototype as { metadata(of?: { topics: string[] }): Promise<unknown> };
const kafkajsMetadata = prototype.metadata;

/** Puts the mended method in place; doing it again changes nothing. */
export function patchMetadata(): void {
  prototype.metadata = metadata;
}

/** What stands in for Cluster.prototype.metadata. */
async function metadata(this: unknown, of?: { topics: string[] }): Promise<unknown> {
  const answer = await kafkajsMetadata.call(this as typeof prototype, of);
  if (answer === null) throw new SilentError("No broker answers what there is in the cluster");
  return answer;
}
