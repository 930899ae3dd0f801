import { z } from "zod";
import { optional, optionalSection, text, withDefault } from "./fields.ts";
import type { Findings } from "./say/findings.ts";
import { checkUrl } from "./site/urls.ts";
import { mapAt } from "./source/raw.ts";
import { readBytes, type TextReader } from "./source/read_text.ts";
import type { WebStatus } from "./types.ts";

const GROUPS = 'a list of groups, as the label "group" of the sites has them';
const COLOUR = 'a colour such as "#2457d6"';
const LOGO = "a path of an image, .svg, .png, .jpg or .webp, of at most 256 KiB";
const HOMEPAGE = "an http or https URL";
const MAX_LOGO_BYTES = 262_144;

const IMAGES: Readonly<Record<string, string>> = {
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  webp: "image/webp",
};

const colour = optional(z.string({ error: COLOUR }).regex(/^#[0-9a-f]{6}$/i, { error: COLOUR }));
const COLOURS = ["accent", "up", "degraded", "down", "maintenance"] as const;

/** `web.status` of the YAML. */
export const statusSchema = optionalSection({
  groups: z.array(text("a group"), { error: GROUPS }).min(1, { error: GROUPS }),
  title: withDefault(text("a text"), "Status"),
  logo: optional(text(LOGO)),
  homepage: optional(
    z.string({ error: HOMEPAGE }).refine((url) => checkUrl(url) === null, { error: HOMEPAGE }),
  ),
  colours: withDefault(
    z.strictObject(
      Object.fromEntries(COLOURS.map((name) => [name, colour])) as Record<
        typeof COLOURS[number],
        typeof colour
      >,
      { error: (issue) => issue.code === "invalid_type" ? "a map of colours" : undefined },
    ),
    { accent: null, up: null, degraded: null, down: null, maintenance: null },
  ),
}, 'a map with "groups"');

/** Reads the logo. @param root The whole YAML */
export function readLogo(root: unknown, reader: TextReader, findings: Findings): WebStatus["logo"] {
  const { logo } = mapAt(mapAt(root, "web"), "status");
  if (typeof logo !== "string") return null;
  const type = IMAGES[/\.(\w+)$/.exec(logo)?.[1]?.toLowerCase() ?? ""];
  const file = type === undefined ? null : readBytes(reader, logo);
  if (file?.ok && file.bytes.length <= MAX_LOGO_BYTES) return { type: type!, bytes: file.bytes };
  const which = file === null ? undefined : file.ok ? "which is larger" : `which ${file.problem}`;
  findings.expected(["web", "status", "logo"], LOGO, logo, which);
  return null;
}

/** The config of a checked `web.status`. */
export function toStatus(
  yaml: z.output<typeof statusSchema>,
  logo: WebStatus["logo"],
): WebStatus | null {
  if (yaml === null) return null;
  const { groups, title, homepage, colours } = yaml;
  const given = Object.entries(colours).filter(([, colour]) => colour !== null);
  return {
    groups,
    title,
    logo,
    homepage,
    colours: Object.fromEntries(given) as WebStatus["colours"],
  };
}
