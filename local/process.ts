import { spawn } from "node:child_process";
import process from "node:process";

/** A user and group to run as, where this process is root and the program refuses to be. */
export interface RunAs {
  uid: number;
  gid: number;
}

export interface ProcessOptions {
  /** The file that takes the program's standard output and error; added to, not replaced. */
  log: string;
  cwd?: string;
  /** The whole environment. @default this process's */
  env?: Record<string, string | undefined>;
  runAs?: RunAs;
  /** The signal that ends the program if this process dies. @default "KILL" */
  onCrash?: "KILL" | "QUIT" | "TERM";
}

/** A running program. */
export interface LocalProcess {
  readonly pid: number;
  /** Resolves with the exit code (128 + the signal's number after a signal); never rejects. */
  readonly exited: Promise<number>;
  /** Whether it is known to have ended. */
  readonly ended: boolean;
  /** Whether it runs. Waits for the end of one that SIGKILL is ending or that is gone just now. */
  running(): Promise<boolean>;
  /** Sends a signal; false if the program has already ended. */
  kill(signal: NodeJS.Signals): boolean;
  /** Sends `signal` (waking the program, should it be stopped), SIGKILL after `ms`; waits for the end. */
  stop(signal: NodeJS.Signals, ms: number): Promise<void>;
}

/**
 * The guard: a shell between this process and the program. Its standard input is a pipe that only
 * this process holds, so it reads the end of file when this process is gone, however it went, and
 * then ends the program. The shell starts the program itself, so there is no moment without a guard.
 *
 * Arguments: log file, signal at a crash, the program and its arguments. Prints the program's pid.
 */
const GUARD = `
log=$1; signal=$2; shift 2
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
child=$!
(
  read -r _ <&3
  kill -s "$signal" "$child"
  kill -s CONT "$child"
  tries=0
  while [ $tries -lt 50 ] && kill -0 "$child"; do sleep 0.1; tries=$((tries + 1)); done
  kill -s KILL "$child"
) >/dev/null 2>&1 &
watcher=$!
echo "$child"
wait "$child"
status=$?
kill -s KILL "$watcher"
exit "$status"
`;

/**
 * Starts `command` (program and arguments) as a child that dies with this process. It has a process
 * group of its own, so that a terminal's Ctrl-C reaches only us, and we stop things in order.
 *
 * @throws if the shell cannot be started. A program that cannot be run ends with code 126 or 127.
 */
export async function startProcess(
  command: readonly string[],
  options: ProcessOptions,
): Promise<LocalProcess> {
  const guard = spawn(
    "/bin/sh",
    ["-c", GUARD, "guard", options.log, options.onCrash ?? "KILL", ...command],
    {
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
      cwd: options.cwd,
      env: options.env ?? process.env,
      ...options.runAs,
    },
  );
  let ended = false;
  const exited = new Promise<number>((resolve) => {
    guard.once("exit", (code) => {
      ended = true;
      // The pipe outlives the shell; left open it would be one descriptor a restart.
      guard.stdin.destroy();
      guard.stdout.destroy();
      resolve(code ?? 1);
    });
  });
  const pid = await new Promise<number>((resolve, reject) => {
    let text = "";
    guard.once("error", reject);
    guard.stdout.on("data", (chunk) => {
      text += String(chunk);
      if (text.includes("\n")) resolve(Number.parseInt(text, 10));
    });
    guard.stdout.once("end", () => reject(new Error(`Cannot start "${command[0]}"`)));
  });

  let killed = false;
  const kill = (signal: NodeJS.Signals | 0): boolean => {
    if (ended) return false;
    killed ||= signal === "SIGKILL";
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
      throw error;
    }
  };
  return {
    pid,
    exited,
    get ended() {
      return ended;
    },
    async running() {
      if (killed || !kill(0)) await exited;
      return !ended;
    },
    kill,
    async stop(signal, ms) {
      kill(signal);
      kill("SIGCONT");
      const timer = setTimeout(() => kill("SIGKILL"), ms);
      await exited;
      clearTimeout(timer);
    },
  };
}
