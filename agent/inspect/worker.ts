/** The thread that inspects large bodies: one request at a time, one reply each. */
import { parentPort } from "node:worker_threads";
import { inspect } from "./inspect.ts";
import { type Inspection, type InspectionReply, patternsOf } from "./protocol.ts";
import { RegexCache } from "./regex_cache.ts";

const regexes = new RegexCache();

function reply(inspection: Inspection): InspectionReply {
  try {
    const findings = inspect(inspection, regexes);
    const programSizes = patternsOf(inspection).map((pattern) =>
      regexes.get(pattern).programSize()
    );
    return { ok: true, findings, programSizes };
  } catch (error) {
    return { ok: false, error: String(error) };
  }
}

parentPort!.on("message", (inspection: Inspection) => parentPort!.postMessage(reply(inspection)));
