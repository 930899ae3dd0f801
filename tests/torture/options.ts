import { parseArgs } from "@std/cli/parse-args";
import { randomInt } from "node:crypto";

export interface Options {
  /** Names of scenarios; empty: all. */
  scenarios: string[];
  /** Rounds of each variant; "full": as many as each scenario states. */
  rounds: number | "full";
  seed: number;
  /** Of load in a round. */
  seconds: number;
  /** Stacks side by side. */
  lanes: number;
}

export const USAGE = `Usage: deno task torture [--scenario NAME,...] [--rounds N|full] [--seed S]
                         [--seconds N] [--lanes N]

  --scenario NAME,...  only these; NAME or NAME/VARIANT  [default: all]
  --rounds N           of each variant; "full": as docs/reliability.md states  [default: 1]
  --seconds N          of load in each round  [default: 60]
  --lanes N            stacks of Kafka and PostgreSQL side by side  [default: 3]
  --seed S             repeats the choices of an earlier run`;

/** @throws {RangeError} For what it does not know */
export function parseOptions(args: readonly string[]): Options {
  const names = ["scenario", "rounds", "seed", "seconds", "lanes"];
  const parsed = parseArgs([...args], {
    string: names,
    unknown: (arg) => {
      throw new RangeError(`Unknown argument "${arg}"\n${USAGE}`);
    },
  });
  const number = (name: string, fallback: number): number => {
    const text = parsed[name];
    if (text === undefined) return fallback;
    if (!/^[1-9]\d*$/.test(text)) {
      throw new RangeError(`Option "--${name}" needs a whole number over 0, found "${text}"`);
    }
    return Number(text);
  };
  return {
    scenarios: parsed.scenario === undefined ? [] : parsed.scenario.split(","),
    rounds: parsed.rounds === "full" ? "full" : number("rounds", 1),
    seed: number("seed", randomInt(1, 2 ** 31)),
    seconds: number("seconds", 60),
    lanes: number("lanes", 3),
  };
}
