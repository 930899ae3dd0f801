import { html } from "hono/html";
import type { State } from "../data/now/site_state.ts";
import { plain } from "./feed.ts";

/** White on these has a contrast of 4.5 : 1 at least. */
const COLOURS: Record<State, string> = {
  up: "#1a7f4b",
  degraded: "#9a6700",
  down: "#c62828",
  unknown: "#5f6368",
  maintenance: "#5b4bb7",
  unobserved: "#5f6368",
};

/** What a badge says, and the state whose colour it has. */
export interface Badge {
  label: string;
  value: string;
  state: State;
}

/** A picture of one line, as READMEs have them. */
export function badge({ label, value, state }: Badge): string {
  const [left, right] = [widthOf(label), widthOf(value)];
  const text = plain(`${label}: ${value}`);
  return String(
    html`
      <svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img"
        aria-label="${text}">
        <title>${text}</title>
        <rect width="${left}" height="20" fill="#444" />
        <rect x="${left}" width="${right}" height="20" fill="${COLOURS[state]}" />
        <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
          <text x="${left / 2}" y="14">${plain(label)}</text>
          <text x="${left + right / 2}" y="14">${plain(value)}</text>
        </g>
      </svg>
    `,
  ).trim();
}

/** A little wide rather than narrow: who draws it may have another font. */
function widthOf(text: string): number {
  return Math.ceil([...text].length * 6.8 + 12);
}
