/** Preloaded into a process: its wall clock is off by TORTURE_CLOCK_SHIFT_MS. */
import process from "node:process";

const shift = Number(process.env.TORTURE_CLOCK_SHIFT_MS);
const now = Date.now;
Date.now = () => now() + shift;
