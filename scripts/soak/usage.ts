import { readFile } from "node:fs/promises";

/** What a process uses at a moment. */
export interface Usage {
  /** Resident memory, bytes. */
  rss: number;
  /** CPU time since its start, all its threads, seconds. */
  cpu: number;
  /** The same of its children that have ended, seconds. */
  cpuOfEnded: number;
  /** How long its main thread stood in line for a core since its start, seconds. */
  waited: number;
}

/** USER_HZ, in which /proc counts CPU time; 100 on every platform that Deno runs on. */
const TICKS_A_SECOND = 100;

const NANOSECONDS = 1e9;

/**
 * Reads /proc, so on Linux only: proc_pid_stat(5), proc_pid_status(5), and the kernel's
 * Documentation/scheduler/sched-stats.rst.
 */
export async function usageOf(pid: number): Promise<Usage> {
  const [status, stat, scheduling] = await Promise.all(
    ["status", "stat", "schedstat"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8")),
  ) as [string, string, string];
  const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  // The name, the second field, may hold anything but ends at the last ")".
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number) as [
    ...[number, number, number, number],
  ];
  return {
    rss: kibibytes * 1024,
    cpu: (utime + stime) / TICKS_A_SECOND,
    cpuOfEnded: (cutime + cstime) / TICKS_A_SECOND,
    waited: Number(scheduling.split(" ")[1]) / NANOSECONDS,
  };
}
