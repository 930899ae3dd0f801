import { readdirSync, readFileSync } from "node:fs";

/** What a process uses at a moment. */
export interface Usage {
  /** Resident memory, bytes. */
  rss: number;
  /** CPU time since its start, all its threads, seconds; `kernel` is the system's part of it. */
  cpu: number;
  kernel: number;
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
export function usageOf(pid: number): Usage {
  const text = (name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8");
  const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(text("status"))?.[1]);
  const { utime, stime } = statOf(pid);
  return {
    rss: kibibytes * 1024,
    cpu: (utime + stime) / TICKS_A_SECOND,
    kernel: stime / TICKS_A_SECOND,
    waited: Number(text("schedstat").split(" ")[1]) / NANOSECONDS,
  };
}

/** CPU time of the threads that still run, seconds: the first one, V8's own, and all others. */
export function threadsOf(pid: number): Record<"main" | "v8" | "others", number> {
  const threads = { main: 0, v8: 0, others: 0 };
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      const text = (name: string) => readFileSync(`/proc/${pid}/task/${tid}/${name}`, "utf8");
      const kind = tid === String(pid) ? "main" : text("comm").startsWith("V8") ? "v8" : "others";
      threads[kind] += Number(text("schedstat").split(" ")[0]) / NANOSECONDS;
    } catch {
      continue; // it has ended meanwhile
    }
  }
  return threads;
}

/**
 * CPU time of a process and its children, seconds: those that run, and those that it waited for. NaN
 * where there is no /proc.
 */
export function cpuOfFamily(pid: number): number {
  try {
    const { utime, stime, ofEnded } = statOf(pid);
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((name) => {
      try {
        const child = statOf(Number(name));
        return child.parent === pid ? child.utime + child.stime + child.ofEnded : 0;
      } catch {
        return 0; // it has ended meanwhile
      }
    }).reduce((sum, ticks) => sum + ticks, utime + stime + ofEnded) / TICKS_A_SECOND;
  } catch {
    return NaN;
  }
}

function statOf(pid: number) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, the second field, may hold anything but ends at the last ")".
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  const [utime, stime, ofUser, ofSystem] = fields.slice(11, 15) as [number, number, number, number];
  return { parent: fields[1]!, utime, stime, ofEnded: ofUser + ofSystem };
}
