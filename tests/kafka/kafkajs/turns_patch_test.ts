import { assertEquals } from "@std/assert";
import SubscriptionState from "kafkajs/src/consumer/subscriptionState.js";
import { patchTurns } from "../../../kafka/kafkajs/turns_patch.ts";

Deno.test("patchTurns() has each partition asked for first in its turn, paused ones too", () => {
  patchTurns();
  const state = new SubscriptionState();
  state.assign([{ topic: "t", partitions: [0, 1, 2] }]);
  state.pause([{ topic: "t", partitions: [1] }]);
  const orders = Array.from({ length: 4 }, () => state.assigned()[0]!.partitions);
  assertEquals(orders, [[1, 2, 0], [2, 0, 1], [0, 1, 2], [1, 2, 0]]);
  assertEquals(state.active(), [{ topic: "t", partitions: [0, 2] }]);
});
