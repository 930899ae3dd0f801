import type { Clock } from "../../runtime/clock.ts";

/** Has several who ask at once, and for `ms` after, wait for one answer; one that fails is not kept. */
export function keptFor<T>(clock: Clock, ms: number, ask: () => Promise<T>): () => Promise<T> {
  let kept: { at: number; answer: Promise<T> } | null = null;
  return () => {
    const now = clock.monotonic();
    if (kept !== null && now - kept.at < ms) return kept.answer;
    const answer = ask();
    kept = { at: now, answer };
    answer.catch(() => kept = null);
    return answer;
  };
}
