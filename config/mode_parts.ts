import type { Mode } from "../runtime/modes.ts";
import { DSN } from "./database.ts";
import type { Findings } from "./say/findings.ts";
import { isGiven, isMap, mapAt } from "./source/raw.ts";
import type { SectionName } from "./schema.ts";
import type { Config } from "./types.ts";

type Part = Exclude<SectionName, "loglevel">;

const SITES = ["include", "websites", "templates", "defaults"] as const;

/** What each mode reads, and what it cannot do without. */
const PARTS: Record<Mode, { uses: readonly Part[]; needs: readonly ("websites" | "database")[] }> =
  {
    agent: { uses: ["kafka", ...SITES, "agent"], needs: ["websites"] },
    writer: { uses: ["kafka", "writer", "database"], needs: ["database"] },
    alerts: { uses: ["kafka", ...SITES, "alerts", "web", "database"], needs: ["database"] },
    silence: { uses: ["database"], needs: ["database"] },
    web: { uses: [...SITES, "web", "database"], needs: ["database"] },
    "init-schema": { uses: ["database"], needs: ["database"] },
    dbdump: { uses: ["database"], needs: ["database"] },
    restore: { uses: ["database"], needs: ["database"] },
    replay: { uses: ["database"], needs: ["database"] },
    maintain: { uses: ["database"], needs: ["database"] },
    report: { uses: ["database"], needs: ["database"] },
    import: { uses: [], needs: [] },
    check: { uses: [...SITES, "agent"], needs: [] },
    "check-config": {
      uses: ["kafka", ...SITES, "agent", "writer", "alerts", "web", "database"],
      needs: [],
    },
  };

/** The config with what the mode `M` needs known to be there. */
export type ConfigFor<M extends Mode> = M extends
  | "writer"
  | "alerts"
  | "web"
  | "init-schema"
  | "dbdump"
  | "restore"
  | "replay"
  | "maintain"
  | "report" ? Config & { database: NonNullable<Config["database"]> }
  : Config;

/** Whether `mode` reads the section `name`; without a mode, every section is read. */
export function usesSection(mode: Mode | undefined, name: string): boolean {
  return mode === undefined || name === "loglevel" ||
    (PARTS[mode].uses as readonly string[]).includes(name);
}

/** Notes what `mode` needs and the YAML, `root`, has not. */
export function checkNeeds(mode: Mode, root: Record<string, unknown>, findings: Findings): void {
  for (const need of PARTS[mode].needs) {
    if (need === "websites" && isEmpty(root.websites)) {
      findings.add(["websites"], `expected at least one site for mode "${mode}", found none`);
    }
    const { dsn, writer } = mapAt(root, "database");
    if (need === "database" && !isGiven(dsn) && !isGiven(mapAt({ writer }, "writer").dsn)) {
      findings.expected(["database", "writer", "dsn"], `${DSN} for mode "${mode}"`, undefined);
    }
  }
}

function isEmpty(websites: unknown): boolean {
  return !isGiven(websites) || (isMap(websites) && Object.keys(websites).length === 0);
}
