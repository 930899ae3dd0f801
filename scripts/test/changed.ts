import { ROOT } from "../build/project.ts";

/** The files that are not as they were where this branch left main, and those that git does not know yet. */
export async function changedFiles(): Promise<string[]> {
  const main = (await git("branch", "--all", "--format=%(refname)", "--list", "main", "*/main"))
    .split("\n")[0]!;
  const base = (await git("merge-base", main, "HEAD")).trim();
  const [differ, unknown] = await Promise.all([
    git("diff", "--name-only", base),
    git("ls-files", "--others", "--exclude-standard"),
  ]);
  return `${differ}${unknown}`.split("\n").filter((file) => file !== "");
}

async function git(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("git", { args, cwd: ROOT }).output();
  if (code !== 0) throw new Error(`git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
