import { z } from "zod";
import { oneOf } from "../../config/fields.ts";
import { alertmanager } from "./alertmanager.ts";
import { email } from "./email.ts";
import type { ChannelKind } from "./kind.ts";
import { presetKind, PRESETS } from "./presets.ts";
import { slack } from "./slack.ts";
import { webhook } from "./webhook.ts";

const presets = (Object.keys(PRESETS) as (keyof typeof PRESETS)[]).map(presetKind);

/** Every kind of channels. */
const LIST = [webhook, alertmanager, slack, email, ...presets] as const;

/** Where notifications go; its secrets are its kind's to tell. */
export type Channel = z.output<typeof LIST[number]["schema"]>;

/** A kind whatever its channels are; only ever handed its own. */
// deno-lint-ignore no-explicit-any
type AnyKind = ChannelKind<any, any, any>;

const KINDS: readonly AnyKind[] = LIST;

/** What may stand under a channel's name. */
export const channelSchema = z.discriminatedUnion(
  "type",
  LIST.map(({ schema }) => schema) as unknown as [typeof LIST[number]["schema"]],
  {
    error: (issue) =>
      issue.code === "invalid_union" ? oneOf(LIST.map(({ type }) => type)) : "a map with a type",
  },
);

/** All that is known of the channel's kind. */
export function kindOf(channel: Channel): AnyKind {
  return KINDS.find(({ type }) => type === channel.type)!;
}
