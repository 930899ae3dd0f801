import type { Mode } from "../runtime/cli/modes.ts";
import { DSN } from "../db/config.ts";
import type { Findings } from "./say/findings.ts";
import { isGiven, isMap, mapAt } from "./source/raw.ts";
import type { SectionName } from "./schema.ts";
import type { Config } from "./types.ts";

interface Parts {
  uses: readonly SectionName[];
  needs: readonly ("websites" | "database")[];
}

const SITES = ["include", "websites", "templates", "defaults"] as const;
const DATABASE = { uses: ["database"], needs: ["database"] } as const;

/** What each mode reads, beside `loglevel`, and what it cannot do without. */
const PARTS = {
  agent: { uses: ["kafka", ...SITES, "agent"], needs: ["websites"] },
  writer: { uses: ["kafka", "writer", "database"], needs: ["database"] },
  alerts: { uses: ["kafka", ...SITES, "alerts", "web", "database"], needs: ["database"] },
  silence: DATABASE,
  web: { uses: [...SITES, "web", "database"], needs: ["database"] },
  "init-schema": DATABASE,
  dbdump: DATABASE,
  restore: DATABASE,
  replay: DATABASE,
  maintain: DATABASE,
  report: DATABASE,
  import: { uses: [], needs: [] },
  check: { uses: [...SITES, "agent"], needs: [] },
  "check-config": {
    uses: ["kafka", ...SITES, "agent", "writer", "alerts", "web", "database"],
    needs: [],
  },
} as const satisfies Record<Mode, Parts>;

/** The config with what the mode `M` needs known to be there. */
export type ConfigFor<M extends Mode> = (typeof PARTS)[M]["needs"] extends readonly ["database"]
  ? Config & { database: NonNullable<Config["database"]> }
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
