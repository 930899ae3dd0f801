import type { ResultMessage } from "./message.ts";

/** The message as the topic has it: one JSON object without line breaks. */
export function encode(message: ResultMessage): string {
  return JSON.stringify(message);
}
