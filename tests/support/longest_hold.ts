import process from "node:process";

/** Milliseconds of CPU that this thread has used: a busy machine takes turns away, but adds none. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** @returns What `work` gives, and the longest that it held the event loop, in this thread's CPU time */
export async function longestHold<T>(work: () => Promise<T>): Promise<[result: T, ms: number]> {
  let longest = 0;
  let last = threadCpuMs();
  const look = () => {
    const now = threadCpuMs();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const beat = setInterval(look, 1);
  try {
    const result = await work();
    look();
    return [result, longest];
  } finally {
    clearInterval(beat);
  }
}
