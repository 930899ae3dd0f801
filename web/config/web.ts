import { z } from "zod";
import {
  listen,
  optional,
  parseListen,
  section,
  text,
  textLike,
  withDefault,
} from "../../config/fields.ts";
import { part } from "../../config/part.ts";
import { accessFields, checkAccess, toAccess } from "./access.ts";
import { readLogo, statusSchema, toStatus } from "./status.ts";

/** Without a slash at its end, so that a path can follow. */
const baseUrl = textLike(
  "an http or https URL of a host, without a path",
  (url) => URL.canParse(url) && /^https?:\/\/[^/?#@\s]+\/?$/.test(url),
).transform((url) => new URL(url).origin);

/** `web:` of the YAML. */
export const webPart = part({
  schema: section({
    listen: withDefault(listen, parseListen(8080)!),
    public_url: optional(baseUrl),
    title: withDefault(text("a text"), "httpmon"),
    ops: withDefault(z.array(baseUrl, { error: "a list of URLs" }), []),
    ...accessFields,
    status: statusSchema,
  }),
  load(loading) {
    checkAccess(loading);
    const logo = readLogo(loading);
    return (yaml) => ({
      listen: yaml.listen,
      /** Under which others reach it, without a slash at its end; null: where it listens. */
      publicUrl: yaml.public_url,
      /** What it is called. */
      title: yaml.title,
      /** Base URLs of the `listen` of agents, writers and alerters, to ask for more than is stored. */
      ops: yaml.ops as readonly string[],
      access: toAccess(yaml),
      /** The page for the public; null: there is none. */
      status: yaml.status && toStatus(yaml.status, logo),
    });
  },
});

export type WebConfig = ReturnType<ReturnType<typeof webPart.load>>;
