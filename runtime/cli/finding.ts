import { describeError } from "../log/error.ts";

/** What was found of something that modes need. */
export interface Finding {
  /** "topic" */
  of: string;
  isFine: boolean;
  /** One line. */
  text: string;
}

/** What `look` tells of it, or how it fails. @param explain An error in a line */
export async function findingOf(
  of: string,
  look: () => Promise<string>,
  explain: (error: unknown) => string = (error) => describeError(error).message,
): Promise<Finding> {
  try {
    return { of, isFine: true, text: await look() };
  } catch (error) {
    return { of, isFine: false, text: explain(error).replaceAll(/\s+/g, " ") };
  }
}
