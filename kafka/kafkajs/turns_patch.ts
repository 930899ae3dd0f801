/**
 * Mends whom kafkajs 2.2.4 asks a broker for first. A broker fills its answer in the order of the
 * request, with up to 1 MiB a partition and 10 MiB in all, and kafkajs always asks in the same order:
 * ten partitions with a backlog keep all others from being read.
 */
import SubscriptionState from "kafkajs/src/consumer/subscriptionState.js";

/** The part of kafkajs's SubscriptionState that is touched. */
export interface SubscriptionParts {
  assignedPartitionsByTopic: Record<string, { topic: string; partitions: number[] }>;
}

/** What stands in for SubscriptionState.prototype.assigned: at each call another partition is first. */
export function assignedInTurn(
  this: SubscriptionParts,
): { topic: string; partitions: number[] }[] {
  return Object.values(this.assignedPartitionsByTopic).map(({ topic, partitions }) => {
    partitions.push(...partitions.splice(0, 1));
    return { topic, partitions: [...partitions] };
  });
}

/** Puts the mended method in place; doing it again changes nothing. */
export function patchTurns(): void {
  SubscriptionState.prototype.assigned = assignedInTurn;
}
