import { compile, search } from "@jmespath-community/jmespath";

type Node = ReturnType<typeof compile>;

/**
 * Why `expression` is no JMESPath, in words to follow "expected a JMESPath expression"; null when it
 * is one. A function that JMESPath has not is found, too.
 */
export function jmespathProblem(expression: string): string | null {
  let tree: Node;
  try {
    tree = compile(expression);
  } catch (error) {
    return reason(error);
  }
  for (const name of functionsIn(tree)) {
    // Called without an argument, a known function complains of that.
    const problem = problemOf(() => search(null, `${name}()`));
    if (problem?.startsWith("Unknown function")) return `there is no function "${name}"`;
  }
  return null;
}

function problemOf(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function* functionsIn(node: unknown): Generator<string> {
  if (typeof node !== "object" || node === null) return;
  const { type, name } = node as { type?: unknown; name?: unknown };
  if (type === "Literal") return;
  if (type === "Function" && typeof name === "string") yield name;
  for (const child of Object.values(node)) yield* functionsIn(child);
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^Syntax error: /, "").replace(/\s+/g, " ");
}
