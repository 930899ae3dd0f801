import { resolve } from "node:path";
import ts from "typescript";
import { ROOT } from "./project.ts";

/**
 * Checks the product's types for Node alone, by tsconfig.json. What only Deno has is an error there.
 *
 * @param files More files to check, absolute paths
 * @returns What is wrong, as tsc prints it; empty where nothing is
 */
export function typeErrorsForNode(files: readonly string[] = []): string {
  const path = resolve(ROOT, "tsconfig.json");
  const { config, error } = ts.readConfigFile(path, ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const program = ts.createProgram({
    rootNames: [...parsed.fileNames, ...files],
    options: parsed.options,
  });
  const found = [...(error ? [error] : []), ...parsed.errors, ...ts.getPreEmitDiagnostics(program)];
  return ts.formatDiagnostics(found, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => ROOT,
    getNewLine: () => "\n",
  });
}
