import { Buffer } from "node:buffer";

/**
 * The lines of a stream of bytes, `count` at a time, without their ends. Of a line that is longer than
 * `most` bytes only the beginning is kept, a little more than that: enough to be known as too long.
 */
export async function* linesOf(
  input: AsyncIterable<Uint8Array>,
  count: number,
  most: number,
): AsyncGenerator<Uint8Array[]> {
  let lines: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    let start = 0;
    for (let end; (end = chunk.indexOf(0x0a, start)) !== -1; start = end + 1) {
      lines.push(Buffer.concat([...parts, chunk.subarray(start, end)]));
      parts = [];
      size = 0;
      if (lines.length === count) {
        yield lines;
        lines = [];
      }
    }
    if (size <= most) parts.push(chunk.subarray(start));
    size += chunk.length - start;
  }
  if (size > 0) lines.push(Buffer.concat(parts));
  if (lines.length > 0) yield lines;
}
