import { parentPort } from "node:worker_threads";
import type { Handlers, Reply, Request, ThreadError } from "./thread.ts";

/** Answers what a Thread asks; called once, by the file that runs in the thread. */
export function answer(handlers: Handlers): void {
  let last = Promise.resolve();
  parentPort!.on("message", ({ name, argument }: Request) => {
    last = last.then(async () => {
      let reply: Reply;
      try {
        reply = { ok: true, value: await handlers[name]!(argument as never) };
      } catch (error) {
        const { message = String(error), kind = null } = error as Partial<ThreadError>;
        reply = { ok: false, message, kind };
      }
      parentPort!.postMessage(reply);
    });
  });
}
