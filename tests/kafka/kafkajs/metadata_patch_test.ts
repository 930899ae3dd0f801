import { assertEquals, assertRejects } from "@std/assert";
import { createRequire } from "node:module";
import { SilentError } from "../../../kafka/errors.ts";
import { patchMetadata } from "../../../kafka/kafkajs/metadata_patch.ts";

/** kafkajs's own class, over brokers of which the first that answers is asked. */
function clusterOf(brokers: { metadata(): Promise<unknown> }[]) {
  patchMetadata();
  const require = createRequire(import.meta.url);
  const Cluster = require("kafkajs/src/cluster/index.js");
  const BrokerPool = require("kafkajs/src/cluster/brokerPool.js");
  const cluster = Object.create(Cluster.prototype);
  cluster.retrier = (work: (bail: (error: Error) => void) => unknown) =>
    work((error) => {
      throw error;
    });
  cluster.brokerPool = Object.assign(Object.create(BrokerPool.prototype), {
    brokers: { ...brokers },
    refreshMetadataIfNecessary: () => Promise.resolve(),
    findBroker: ({ nodeId }: { nodeId: string }) => Promise.resolve(brokers[Number(nodeId)]),
  });
  return cluster;
}

Deno.test("patchMetadata() tells of brokers that all fail to answer", async () => {
  const silent = { metadata: () => Promise.reject(new Error("Request Metadata timed out")) };
  await assertRejects(() => clusterOf([silent, silent]).metadata({ topics: [] }), SilentError);
});

Deno.test("patchMetadata() leaves an answer as it is", async () => {
  const answer = { brokers: [], clusterId: "c", controllerId: 1 };
  const cluster = clusterOf([{ metadata: () => Promise.resolve(answer) }]);
  assertEquals(await cluster.metadata({ topics: [] }), answer);
});
