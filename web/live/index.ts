import { Hono } from "hono";
import type { Update } from "../data/sites.ts";
import type { Env, WebDeps } from "../env.ts";

/** A comment this often keeps proxies from closing a stream that has nothing to say. */
const BEAT_MS = 20_000;
/** More changes than this at once are not told one by one. */
const MOST = 300;

/** /live: what changes, as server-sent events. One text is made of each update, for all that listen. */
export function live({ sites, clock }: WebDeps): Hono<Env> {
  const streams = new Set<(text: Uint8Array) => void>();
  const encoder = new TextEncoder();
  const send = (text: string) => {
    const bytes = encoder.encode(text);
    for (const stream of streams) stream(bytes);
  };
  sites.subscribe((update) => streams.size > 0 && send(eventsOf(update)));

  const app = new Hono<Env>();
  app.get("/", (c) => {
    let end = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const stream = (text: Uint8Array) => {
          // Who does not read is let go, and comes again.
          if ((controller.desiredSize ?? 0) < -MOST_WAITING) return close();
          controller.enqueue(text);
        };
        const beat = () => {
          stream(encoder.encode(": still here\n\n"));
          cancel = clock.after(BEAT_MS, beat);
        };
        let cancel = clock.after(BEAT_MS, beat);
        const close = () => {
          end();
          controller.close();
        };
        end = () => {
          cancel();
          streams.delete(stream);
        };
        streams.add(stream);
        stream(encoder.encode("retry: 3000\n\n"));
      },
      cancel: () => end(),
    });
    return c.body(body, 200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
  });
  return app;
}

/** Texts that wait to be read. */
const MOST_WAITING = 200;

function eventsOf({ changed }: Update): string {
  if (changed.length === 0) return "";
  if (changed.length > MOST) return event("many", { changed: changed.length });
  return event("sites", changed.map(({ id, name, state, since }) => ({ id, name, state, since })));
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
