/** What is logged of an error. */
export interface LoggedError {
  type: string;
  /** Its own and those of what caused it, each once. */
  message: string;
  code?: string;
  /** "host:port", where an error of Kafka's client knows it. */
  broker?: string;
  /** Where it was thrown: only of what nobody foresaw, see `describeError`. */
  stack?: string;
}

/** Thrown by mistakes in the program, so that their place is wanted. */
const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError];
/** Causes of causes. */
const MOST_CAUSES = 5;

/**
 * An error in one line: texts that repeat what stands before them are left out, as libraries wrap an
 * error in others of the same words.
 *
 * @param withStack Adds the stack, which only mistakes in the program have otherwise
 */
export function describeError(error: unknown, withStack = false): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const chain = chainOf(error);
  const find = (name: string) =>
    chain.map((one) => (one as unknown as Record<string, unknown>)[name])
      .find((value) => typeof value === "string" && value !== "") as string | undefined;
  const [code, broker] = [find("code"), find("broker")];
  const isMistake = MISTAKES.some((type) => error instanceof type) && code === undefined;
  const message = messageOf(chain);
  return {
    type: error.name,
    message: broker === undefined || message.includes(broker) ? message : `${message} (${broker})`,
    ...(code !== undefined && { code }),
    ...(broker !== undefined && { broker }),
    ...((withStack || isMistake) && error.stack !== undefined && { stack: error.stack }),
  };
}

/** The error, and what caused it; of several at once (a name of many addresses) all. */
function chainOf(error: Error): Error[] {
  const chain: Error[] = [];
  const add = (one: unknown) => {
    if (!(one instanceof Error) || chain.includes(one) || chain.length > MOST_CAUSES) return;
    chain.push(one);
    // Also those of libraries that have a class of their own for several.
    const { errors } = one as { errors?: unknown };
    if (Array.isArray(errors)) errors.forEach(add);
    add(one.cause);
  };
  add(error);
  return chain;
}

function messageOf(chain: readonly Error[]): string {
  const texts: string[] = [];
  for (const { message } of chain) {
    const text = withoutEcho(message.trim());
    if (text !== "" && !texts.some((one) => one.includes(text))) texts.push(text);
  }
  return texts.join(": ");
}

/** "Closed connection: Closed connection" says it once. */
function withoutEcho(text: string): string {
  const [first, ...rest] = text.split(": ");
  return rest.length > 0 && rest.join(": ") === first ? first : text;
}
