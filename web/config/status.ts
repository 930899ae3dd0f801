import { z } from "zod";
import {
  optional,
  optionalSection,
  section,
  text,
  textLike,
  withDefault,
} from "../../config/fields.ts";
import type { Loading } from "../../config/part.ts";
import { checkUrl } from "../../config/site/urls.ts";
import { mapAt } from "../../config/source/raw.ts";
import { readBytes } from "../../config/source/read_text.ts";

const GROUPS = 'a list of groups, as the label "group" of the sites has them';
const LOGO = "a path of an image, .svg, .png, .jpg or .webp, of at most 256 KiB";
const MAX_LOGO_BYTES = 262_144;

const IMAGES: Readonly<Record<string, string>> = {
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  webp: "image/webp",
};

const colour = optional(textLike('a colour such as "#2457d6"', /^#[0-9a-f]{6}$/i));

/** `web.status` of the YAML. */
export const statusSchema = optionalSection({
  groups: z.array(text("a group"), { error: GROUPS }).min(1, { error: GROUPS }),
  title: withDefault(text("a text"), "Status"),
  logo: optional(text(LOGO)),
  homepage: optional(textLike("an http or https URL", (url) => checkUrl(url) === null)),
  colours: section(
    { accent: colour, up: colour, degraded: colour, down: colour, maintenance: colour },
    "a map of colours",
  ),
}, 'a map with "groups"');

/** Reads the logo. */
export function readLogo({ root, uses, reader, findings }: Loading) {
  const { logo } = mapAt(mapAt(root, "web"), "status");
  if (!uses("web") || typeof logo !== "string") return null;
  const type = IMAGES[/\.(\w+)$/.exec(logo)?.[1]?.toLowerCase() ?? ""];
  const file = type === undefined ? null : readBytes(reader, logo);
  if (file?.ok && file.bytes.length <= MAX_LOGO_BYTES) return { type: type!, bytes: file.bytes };
  const which = file === null ? undefined : file.ok ? "which is larger" : `which ${file.problem}`;
  findings.expected(["web", "status", "logo"], LOGO, logo, which);
  return null;
}

/** The page for the public. */
export function toStatus(
  { groups, title, homepage, colours }: NonNullable<z.output<typeof statusSchema>>,
  logo: ReturnType<typeof readLogo>,
) {
  const given = Object.entries(colours).filter(([, colour]) => colour !== null);
  return {
    /** Values of the label "group" of the sites on it, in their order. */
    groups: groups as readonly string[],
    title,
    /** An image; null: none. */
    logo,
    /** Where its logo leads; null: nowhere. */
    homepage,
    /** "#rrggbb" by a name of the stylesheet's, "accent" or "up" for two. */
    colours: Object.fromEntries(given) as Readonly<Record<string, string>>,
  };
}

export type WebStatus = ReturnType<typeof toStatus>;
