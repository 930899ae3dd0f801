/**
 * The mock broker's process: librdkafka has one inside, for its own tests, and its producer starts it
 * when `test.mock.num.brokers` is set. Its address shows only in the log, on standard error.
 */

/** The part of kafka-crab-js that is used; it is downloaded only by who comes here. */
interface KafkaCrab {
  KafkaClientConfig: new (config: Record<string, unknown>) => {
    createProducer(config: Record<string, unknown>): { inFlightCount(): number };
  };
}

const specifier = "npm:kafka-crab-js@5.0.0";
const { KafkaClientConfig } = await import(specifier) as KafkaCrab;
const configuration = { "test.mock.num.brokers": "1" };
// The brokers given are not used, but must be there.
const client = new KafkaClientConfig({
  clientId: "httpmon-mock",
  brokers: "127.0.0.1:1",
  logLevel: "info",
  configuration,
});
const producer = client.createProducer({ configuration });

// The broker lives as long as the producer does, so hold on to it.
setInterval(() => producer.inFlightCount(), 60_000);
