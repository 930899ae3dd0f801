import { z } from "zod";
import { alertmanager } from "./alertmanager.ts";
import { email } from "./email.ts";
import type { ChannelKind } from "./kind.ts";
import { pagerduty } from "./pagerduty.ts";
import { presetKind, PRESETS } from "./presets.ts";
import { slack } from "./slack.ts";
import { webhook } from "./webhook.ts";

const presets = (Object.keys(PRESETS) as (keyof typeof PRESETS)[]).map(presetKind);

/** Every kind of channels. */
const LIST = [webhook, alertmanager, slack, pagerduty, email, ...presets] as const;

/** Where notifications go; its secrets are its kind's to tell. */
export type Channel = typeof LIST[number] extends infer K
  ? K extends ChannelKind<infer C> ? C : never
  : never;

/** A kind whatever its channels are; only ever handed its own. */
// deno-lint-ignore no-explicit-any
type AnyKind = ChannelKind<any>;

const KINDS: readonly AnyKind[] = LIST;
const TYPES = KINDS.map(({ type }) => type as string);

/** What may stand under a channel's name. */
export const channelSchema = z.discriminatedUnion(
  "type",
  KINDS.map(({ schema }) => schema) as unknown as [z.ZodObject],
  {
    error: (issue) =>
      issue.code === "invalid_union"
        ? TYPES.join(", ").replace(/, ([^,]*)$/, " or $1")
        : "a map with a type",
  },
) as unknown as z.ZodType<Channel>;

/** All that is known of the channel's kind. */
export function kindOf(channel: Channel): AnyKind {
  return KINDS.find(({ type }) => type === channel.type)!;
}
