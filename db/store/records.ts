/** What is handed to the store. */
import type { Decoded } from "../../wire/decode.ts";

/** A partition of a topic. Two clusters may have topics of one name, so the cluster's id is in it. */
export interface BatchSource {
  /** Who reads it: "writer". */
  consumer: string;
  clusterId: string;
  topic: string;
  partition: number;
}

/** In place of a whole batch of records that nobody could read. */
export interface BadBatch {
  ok: false;
  reason: "bad_batch";
  /** Its first record's; its last one's is the offset of what stands for it. */
  firstOffset: bigint;
  /** For a person. */
  detail: string;
}

/** A record of the topic, or a result from elsewhere. */
export interface IncomingRecord {
  offset: bigint;
  /** Kafka's, milliseconds since 1970. */
  timestamp: bigint;
  key: Uint8Array | null;
  value: Uint8Array | null;
  /**
   * Gives the message in it. Called when it is needed, and again in the seldom cases that need it
   * twice, as thousands of messages that wait for the database cost more to keep.
   */
  decode(): Decoded | BadBatch;
}
