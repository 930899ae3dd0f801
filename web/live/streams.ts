import type { Clock } from "../../runtime/clock.ts";

/** A comment this often keeps proxies from closing a stream that has nothing to say. */
const BEAT_MS = 20_000;
/** Texts that wait to be read: who is so far behind is let go, and comes again. */
const MOST_WAITING = 100;

const encoder = new TextEncoder();
const HELLO = encoder.encode("retry: 3000\n\n");
const BEAT = encoder.encode(": still here\n\n");

/** What is told: its name, anything as JSON, and what who comes again says as Last-Event-ID. */
export interface Event {
  event: string;
  data: unknown;
  id?: number;
}

function textOf({ event, data, id }: Event): Uint8Array {
  const head = id === undefined ? "" : `id: ${id}\n`;
  return encoder.encode(`${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** Server-sent events, each made once for all that listen to its topic. */
export class Streams {
  readonly #clock: Clock;
  readonly #byTopic = new Map<string, Set<(text: Uint8Array) => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(topic: string): boolean {
    return this.#byTopic.has(topic);
  }

  /** Sends to all of a topic. */
  send(topic: string, event: Event): void {
    const text = textOf(event);
    for (const stream of this.#byTopic.get(topic) ?? []) stream(text);
  }

  /**
   * A response's body that goes on until who reads it goes away.
   *
   * @param missed What comes first; null: nothing
   */
  open(topic: string, missed: Event | null = null): ReadableStream<Uint8Array> {
    let end = () => {};
    return new ReadableStream({
      start: (controller) => {
        const stream = (text: Uint8Array) => {
          if ((controller.desiredSize ?? 0) > -MOST_WAITING) return controller.enqueue(text);
          end();
          controller.close();
        };
        let cancel = () => {};
        const beat = (text: Uint8Array) => {
          cancel = this.#clock.after(BEAT_MS, () => beat(BEAT));
          stream(text);
        };
        const all = this.#byTopic.get(topic) ?? new Set();
        this.#byTopic.set(topic, all.add(stream));
        end = () => {
          cancel();
          all.delete(stream);
          if (all.size === 0) this.#byTopic.delete(topic);
        };
        beat(HELLO);
        if (missed) stream(textOf(missed));
      },
      cancel: () => end(),
    });
  }
}
