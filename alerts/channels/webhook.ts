import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { z } from "zod";
import { textLike } from "../../config/fields.ts";
import type { Message } from "../message/message.ts";
import { headers, url } from "./fields.ts";
import { channelKind } from "./kind.ts";
import { post } from "./post.ts";
import { fieldsOf, fill, isTemplate, type Template } from "./template.ts";

const SECRET = '"whsec_" and the base64 of 24 to 64 bytes';
const TEMPLATE = "a text, a map or a list, of texts and numbers";

/** JSON of httpmon's own, or by a template; signed as the Standard Webhooks specification says. */
export const webhook = channelKind({
  type: "webhook",
  keys: {
    url: url(),
    /** Without it nothing is signed. */
    secret: textLike(SECRET, /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/).nullish(),
    headers: headers(),
    method: z.literal(["POST", "PUT"], { error: "POST or PUT" }).nullish(),
    /** What is sent in place of httpmon's own body. */
    template: z.unknown().refine(isTemplate, { error: TEMPLATE }).optional() as z.ZodOptional<
      z.ZodType<Template>
    >,
  },
  secrets: ["url", "secret", "headers"],
  most: 500,
  send: async (message, channel, deps) => {
    const { url, secret, headers, method, template } = channel;
    const filled = template === undefined || template === null
      ? webhookBody(message)
      : fill(template, fieldsOf(message, channel, deps.nowMs));
    return await post(url, {
      method: method ?? "POST",
      headers: { "webhook-id": message.key, ...headers },
      body: filled,
      ...secret && { sign: (body) => signature(secret, message.key, deps.nowMs, body) },
    }, deps);
  },
});

/** What a webhook without a template has in it. */
export function webhookBody({ event, incidents, includesOpening }: Message) {
  return {
    event,
    ...includesOpening && { includesOpening },
    incident: incidents[0]!,
    ...incidents.length > 1 && { incidents },
  };
}

/**
 * The headers of the Standard Webhooks specification: its HMAC-SHA256 is over "id.timestamp.body",
 * the key is what stands in base64 behind "whsec_".
 *
 * @param id The same at each try
 * @param nowMs Wall clock, milliseconds since 1970
 */
function signature(
  secret: string,
  id: string,
  nowMs: number,
  body: string,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-timestamp": timestamp, "webhook-signature": `v1,${signed}` };
}
