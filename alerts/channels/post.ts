import { type SendDeps, SendError } from "./kind.ts";

/** Of an answer, for a person. */
const MOST_ANSWER = 500;
const MOST_RETRY_AFTER_MS = 600_000;
/** The message itself is at fault: too large, or not as the receiver wants it. */
const REFUSED = [400, 413, 415, 422];

/**
 * Asks once. Anything but a status of 200 to 299 within the time is a failure, a redirect too.
 *
 * @returns What was answered, for a person: the status, and the beginning of the body
 * @throws {SendError}
 */
export async function post(
  url: string,
  { method = "POST", headers = {}, body, sign = () => ({}) }: {
    method?: string;
    headers?: Readonly<Record<string, string>>;
    /** Anything but a text is sent as JSON. */
    body: unknown;
    /** Headers for the body as it is sent. */
    sign?: (body: string) => Readonly<Record<string, string>>;
  },
  { fetch, timeoutMs }: SendDeps,
): Promise<string> {
  const isText = typeof body === "string";
  const sent = isText ? body : JSON.stringify(body);
  let response: Response;
  let answer: string;
  try {
    response = await fetch(url, {
      method,
      headers: {
        "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
        ...sign(sent),
        ...headers,
      },
      body: sent,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    answer = await beginningOf(response);
  } catch (cause) {
    const { name, message } = cause as Error;
    throw new SendError(
      name === "TimeoutError" ? `No answer within ${timeoutMs / 1_000} s` : message,
      { cause },
    );
  }
  const words = `status ${response.status}${answer && `: ${answer}`}`;
  if (response.ok) return words;
  throw new SendError(`The receiver answered with ${words}`, {
    isRefused: REFUSED.includes(response.status),
    retryAfterMs: retryAfterOf(response),
  });
}

async function beginningOf({ body }: Response): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < MOST_ANSWER) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text.slice(0, MOST_ANSWER).trim();
}

function retryAfterOf({ headers }: Response): number | null {
  const seconds = Number(headers.get("retry-after") ?? NaN);
  return seconds > 0 ? Math.min(seconds * 1_000, MOST_RETRY_AFTER_MS) : null;
}
