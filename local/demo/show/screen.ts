import { type Paint, paintFor } from "./paint.ts";

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const CLEAR_BELOW = "\x1b[J";

/** The part of standard output that is used. */
export interface Output {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

/** Where the demo writes: lines that stay and, on a terminal, an area below them drawn anew. */
export class Screen {
  readonly isTerminal: boolean;
  readonly paint: Paint;
  readonly #out: Output;
  /** Lines of the area that the cursor stands below. */
  #drawn = 0;

  constructor(out: Output) {
    this.#out = out;
    this.isTerminal = out.isTTY === true;
    this.paint = paintFor(this.isTerminal);
  }

  /** Characters in a line. */
  get width(): number {
    return this.isTerminal ? this.#out.columns || 80 : 160;
  }

  /** Lines that an area may have. */
  get height(): number {
    return this.isTerminal ? Math.max(4, (this.#out.rows || 24) - 1) : Infinity;
  }

  /** Writes lines that stay. */
  print(text = ""): void {
    this.#out.write(`${this.#up()}${text}\n`);
  }

  /**
   * Draws the area in place of what it showed; nothing where there is no terminal. A line that is
   * wider than the terminal would put the next drawing out of place.
   */
  draw(lines: readonly string[]): void {
    if (!this.isTerminal) return;
    const text = lines.map((line) => `${line}\n`).join("");
    // In one write, so that no half of it is seen.
    this.#out.write(`${HIDE_CURSOR}${this.#up()}${text}`);
    this.#drawn = lines.length;
  }

  /** Leaves the area's last lines as they are, and the cursor below them. */
  keep(): void {
    this.#drawn = 0;
    if (this.isTerminal) this.#out.write(SHOW_CURSOR);
  }

  /**
   * Runs one step and says how long it took.
   *
   * @param run gives what there is to say of the result.
   */
  async step(title: string, run: () => Promise<string>): Promise<void> {
    const start = performance.now();
    const line = (mark: string, detail: string, time: string) =>
      `  ${mark} ${title.padEnd(20)} ${detail.padEnd(43)} ${time}`.trimEnd();
    const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`.padStart(7);
    const show = () => this.draw([line("·", "", seconds()).slice(0, this.width)]);
    show();
    const timer = this.isTerminal ? setInterval(show, 100) : undefined;
    try {
      const detail = await run();
      this.print(line(this.paint("green", "✓"), detail, this.paint("dim", seconds())));
    } catch (error) {
      this.print(line(this.paint("red", "✗"), "failed", this.paint("dim", seconds())));
      throw error;
    } finally {
      clearInterval(timer);
      this.keep();
    }
  }

  /** Goes back to the area's first line and clears from there. */
  #up(): string {
    if (this.#drawn === 0) return "";
    const text = `\x1b[${this.#drawn}A${CLEAR_BELOW}`;
    this.#drawn = 0;
    return text;
  }
}
