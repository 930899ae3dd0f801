/** Started by crash_test.ts: brings a stack up, says what it is, and waits to be killed. */
import { startStack } from "../../local/stack.ts";

const { kafka, postgres, data } = await startStack();
console.log(JSON.stringify({
  pids: [kafka.pid, postgres.pid],
  ports: [kafka.port, postgres.port],
  folder: data.path,
}));
// Keeps the process up for longer than any test takes.
setTimeout(() => {}, 600_000);
