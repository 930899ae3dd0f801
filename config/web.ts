import { z } from "zod";
import { optional, section, text, withDefault } from "./fields.ts";
import { listen, parseListen } from "./listen.ts";
import type { WebConfig, WebStatus } from "./types.ts";
import { accessFields, toAccess } from "./web_access.ts";
import { statusSchema, toStatus } from "./web_status.ts";

const URL_WHAT = "an http or https URL of a host, without a path";

/** Without a slash at its end, so that a path can follow. */
const baseUrl = z.string({ error: URL_WHAT })
  .refine((url) => URL.canParse(url) && /^https?:\/\/[^/?#@\s]+\/?$/.test(url), { error: URL_WHAT })
  .transform((url) => new URL(url).origin);

/** `web:` of the YAML. */
export const webSchema = section({
  listen: withDefault(listen, parseListen(8080)!),
  public_url: optional(baseUrl),
  title: withDefault(text("a text"), "httpmon"),
  ops: withDefault(z.array(baseUrl, { error: "a list of URLs" }), []),
  ...accessFields,
  status: statusSchema,
});

/** The config of a checked `web:`. @param logo Of the status page, read */
export function toWeb(yaml: z.output<typeof webSchema>, logo: WebStatus["logo"]): WebConfig {
  const { listen, public_url: publicUrl, title, ops } = yaml;
  const status = toStatus(yaml.status, logo);
  return { listen, publicUrl, title, ops, access: toAccess(yaml), status };
}
