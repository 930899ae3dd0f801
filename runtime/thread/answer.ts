import { parentPort } from "node:worker_threads";
import type { Handlers, Reply, Request } from "./thread.ts";

/**
 * Answers what a Thread asks; called once, by the file that runs in the thread.
 *
 * @param kindOf Of an error, for its ThreadError. @default null
 */
export function answer(
  handlers: Handlers,
  kindOf: (error: unknown) => string | null = () => null,
): void {
  let last = Promise.resolve();
  parentPort!.on("message", ({ name, argument }: Request) => {
    last = last.then(async () => {
      let reply: Reply;
      try {
        reply = { ok: true, value: await handlers[name]!(argument as never) };
      } catch (error) {
        const { message = String(error) } = error as Partial<Error>;
        reply = { ok: false, message, kind: kindOf(error) };
      }
      parentPort!.postMessage(reply);
    });
  });
}
