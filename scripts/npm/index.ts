/** What the npm package exports, for programs that embed httpmon. */
export { runCheck } from "../../agent/by_hand/run_check.ts";
export { decode as decodeResult } from "../../wire/decode.ts";
