import { z } from "zod";
import { strictMap } from "../../config/fields.ts";
import type { Message, NoticeEvent } from "../message/message.ts";

/** What sending is handed. */
export interface SendDeps {
  fetch: typeof globalThis.fetch;
  /** Wall clock, milliseconds since 1970. */
  nowMs: number;
  timeoutMs: number;
}

type ChannelOf<Type extends string, Keys extends z.ZodRawShape> = z.output<
  z.ZodObject<{ type: z.ZodLiteral<Type> } & Keys>
>;

/**
 * A kind of channels, with all that belongs to it. A kind is one of these, and one line in index.ts.
 */
export interface ChannelKind<
  Type extends string,
  Keys extends z.ZodRawShape,
  Channel = ChannelOf<Type, Keys>,
> {
  /** What the channel says of itself in the YAML. */
  type: Type;
  /** Its other keys there. */
  keys: Keys;
  /** Those of them, texts or maps of texts, that may never be shown, wherever they turn up. */
  secrets: readonly (keyof Keys & string)[];
  /**
   * Tries once.
   *
   * @returns What the receiver answered, for a person
   * @throws {SendError}
   */
  send: Send<Message, Channel>;
  /** Events that mean nothing there, and are not sent. @default none */
  ignores?: readonly NoticeEvent[];
  /** The most incidents in one message. @default as many as are alike */
  most?: number;
  /** Whether what follows goes to what opened, so that each thread has messages of its own. */
  hasThreads?: boolean;
  /**
   * Of a receiver that forgets what it is not told again and again: says once more which incidents
   * are open.
   */
  keepAlive?: Send<Message["incidents"], Channel>;
}

type Send<What, Channel> = (what: What, channel: Channel, deps: SendDeps) => Promise<string>;

/**
 * Keeps the types of a kind, adds what checks its channels in the YAML, and takes their secrets out of
 * what receivers say.
 */
export function channelKind<const Type extends string, Keys extends z.ZodRawShape>(
  kind: ChannelKind<Type, Keys>,
) {
  const type: z.ZodLiteral<Type> = z.literal(kind.type);
  const { keepAlive } = kind;
  return {
    ...kind,
    send: discreet(kind.send, kind.secrets),
    ...keepAlive && { keepAlive: discreet(keepAlive, kind.secrets) },
    schema: strictMap({ type, ...kind.keys }),
  };
}

/** What a receiver or a runtime says may repeat what it was told. */
function discreet<What, Channel extends object>(
  send: Send<What, Channel>,
  keys: readonly string[],
): Send<What, Channel> {
  return async (what, channel, deps) => {
    try {
      return hide(await send(what, channel, deps), channel, keys);
    } catch (error) {
      if (error instanceof SendError) error.message = hide(error.message, channel, keys);
      throw error;
    }
  };
}

function hide(text: string, channel: object, keys: readonly string[]): string {
  const values = channel as Record<string, string | Record<string, string> | null | undefined>;
  return keys.flatMap((key) => {
    const value = values[key] ?? "";
    return typeof value === "string" ? value : Object.values(value);
  }).filter((secret) => secret !== "").sort((one, other) => other.length - one.length)
    .reduce((text, secret) => text.replaceAll(secret, "(hidden)"), text);
}

/** A receiver did not take a message. */
export class SendError extends Error {
  readonly code = "SEND";
  /** Whether it is this message that it refuses: others may pass. */
  readonly isRefused: boolean;
  /** When it wants to be asked again; null: it did not say. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    { isRefused = false, retryAfterMs = null, cause }: {
      isRefused?: boolean;
      retryAfterMs?: number | null;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause });
    this.isRefused = isRefused;
    this.retryAfterMs = retryAfterMs;
  }
}
