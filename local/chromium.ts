import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, chromium } from "playwright-core";

/** Where systems keep it; a build of its own that playwright would download is not needed. */
const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The machine's Chromium: that of HTTPMON_CHROMIUM, else where systems keep it; null where it has none. */
export function findChromium(): string | null {
  const own = process.env.HTTPMON_CHROMIUM;
  return own || (PLACES.find((place) => existsSync(place)) ?? null);
}

/**
 * Starts it without a window, with a profile that is thrown away, and asking nobody but whom it is told
 * to ask.
 *
 * @throws {Error} Where there is none
 */
export function startChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error("No Chromium is here: apt-get install chromium");
  return chromium.launch({
    executablePath,
    timeout: 180_000,
    // Root, as in CI, has no sandbox.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
