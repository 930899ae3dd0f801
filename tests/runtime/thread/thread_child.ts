/** What runs in the thread of thread_test.ts. */
import { answer } from "../../../runtime/thread/answer.ts";

const handlers = {
  async later({ ms, value }: { ms: number; value: string }): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return value;
  },
  length: (bytes: Uint8Array): number => bytes.length,
  fail(kind: string | null): never {
    throw kind === null ? new RangeError("plain") : Object.assign(new Error("marked"), { kind });
  },
};

export type ChildHandlers = typeof handlers;

answer(handlers, (error) => (error as { kind?: string }).kind ?? null);
