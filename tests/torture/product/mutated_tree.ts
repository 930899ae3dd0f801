import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../../scripts/build/project.ts";

/** A change of one file's text. */
export interface Change {
  file: string;
  /** Stands in the file exactly once. */
  find: string;
  replace: string;
}

/** No part of the product, whose other folders it needs. */
const NO_PART = [".git", ".ci", "build", "data", "docs", "node_modules", "tests"];

/**
 * Copies the product's sources to `folder` and changes them, so that what must never happen can be
 * made to happen without a trace of it in the product.
 *
 * @returns The folder with a slash at its end
 * @throws {Error} Where a text to be changed is not there once: the product has moved on
 */
export async function mutatedTree(folder: string, changes: readonly Change[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const part of await readdir(ROOT)) {
    if (NO_PART.includes(part)) continue;
    await cp(join(ROOT, part), join(folder, part), { recursive: true });
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const change of changes) {
    const path = join(folder, change.file);
    await writeFile(path, changedText(await readFile(path, "utf8"), change));
  }
  return `${folder}/`;
}

/** @throws {Error} Where the text to be changed is not there once */
export function changedText(text: string, { file, find, replace }: Change): string {
  if (text.split(find).length !== 2) {
    throw new Error(`The mutant needs this once in ${file}: ${find}`);
  }
  return text.replace(find, () => replace);
}
