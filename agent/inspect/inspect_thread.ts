/** The thread that inspects large bodies. */
import { answer } from "../../runtime/thread/answer.ts";
import { inspect, RegexCache } from "./inspect.ts";
import { type Found, type Inspection, patternsOf } from "./inspection.ts";

const regexes = new RegexCache();

const handlers = {
  /** The size of a compiled pattern is a measure of what a search costs; in patternsOf's order. */
  inspect(inspection: Inspection): { found: Found; programSizes: number[] } {
    const found = inspect(inspection, regexes);
    const programSizes = patternsOf(inspection).map((pattern) =>
      regexes.get(pattern).programSize()
    );
    return { found, programSizes };
  },
};

export type InspectHandlers = typeof handlers;

answer(handlers);
