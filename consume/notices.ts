import type { Logger } from "../runtime/log/log.ts";

/** What a partition's reader may find not as it was left. */
const NOTICES = {
  gap: "The topic's retention deleted records before they were read; going on at its start",
  missedStart:
    "The topic's retention deleted records before this database had any of the partition; " +
    "they are lost where no other database has them",
  pastEnd: "The stored offset is past the end: the topic was made anew; reading it from its start",
  anotherRecord:
    "Another record stands at the last stored offset: the topic was made anew; reading it from its start",
  wentBack:
    "The stored offset went back: the database is an older copy; reading the topic again from there",
  positionMoved: "The read position was moved, finding the place anew",
} as const;

/** Logs one at ERROR, which is what the default loglevel shows, with the offsets that tell it. */
export function notice(
  log: Logger,
  what: keyof typeof NOTICES,
  offsets: Record<string, bigint | null>,
): void {
  const texts = Object.entries(offsets).map(([name, offset]) => [name, String(offset)]);
  log.error(Object.fromEntries(texts), NOTICES[what]);
}
