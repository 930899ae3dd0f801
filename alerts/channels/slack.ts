import type { Message } from "../message/message.ts";
import { cut } from "../message/text.ts";
import { LINK_TEXT, wordsOf } from "../message/words.ts";
import { url } from "./fields.ts";
import { channelKind } from "./kind.ts";
import { post } from "./post.ts";

/** What Slack takes, in characters. */
const MOST_TEXT = 3_000;
const MOST_FIELD = 2_000;
const MOST_FIELDS = 10;
/** Facts that are too long to stand beside another. */
const WIDE = 60;

/** An incoming webhook of Slack, with blocks. */
export const slack = channelKind({
  type: "slack",
  keys: { url: url() },
  secrets: ["url"],
  send: async (message, { url }, deps) =>
    await post(url, { body: slackBody(message, deps.nowMs) }, deps),
});

/** @param now Wall clock, milliseconds since 1970 */
export function slackBody(message: Message, now: number) {
  const { colour, mark, title, facts, list, link, text } = wordsOf(message, now);
  const mrkdwn = (text: string, most = MOST_TEXT) => ({ type: "mrkdwn", text: cut(text, most) });
  const named = ([name, value]: readonly [string, string]) => `*${name}*  ${escaped(value)}`;
  const isWide = ([, value]: readonly [string, string]) => value.length > WIDE;
  const wide = facts.filter(isWide).map(named);
  const fields = facts.filter((fact) => !isWide(fact)).slice(0, MOST_FIELDS)
    .map((fact) => mrkdwn(named(fact), MOST_FIELD));
  const blocks = [
    ...fields.length > 0 ? [{ type: "section", fields }] : [],
    ...wide.length > 0 ? [{ type: "section", text: mrkdwn(wide.join("\n")) }] : [],
    ...list.length > 0
      ? [{ type: "section", text: mrkdwn(list.map((line) => escaped(line)).join("\n")) }]
      : [],
    ...link ? [{ type: "context", elements: [mrkdwn(`<${link}|${LINK_TEXT}>`)] }] : [],
  ];
  return {
    // What a notification of the system shows, too.
    text: cut(`${mark} *${escaped(title)}*`, MOST_TEXT),
    attachments: [{ color: colour, fallback: cut(escaped(text), MOST_TEXT), blocks }],
  };
}

/** What would be a link or a mention is text. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
