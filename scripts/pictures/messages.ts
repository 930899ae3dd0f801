import { join } from "node:path";
import type { Browser } from "playwright-core";
import { mailOf } from "../../alerts/channels/email.ts";
import { slackBody } from "../../alerts/channels/slack.ts";
import type { Message } from "../../alerts/message/message.ts";
import { OF_EACH_KIND } from "../../tests/alerts/message/kinds.ts";
import { NOW } from "../../tests/alerts/message/samples.ts";

/** Those that docs/alerts.md shows. */
const SHOWN = {
  mail: ["down, by a status"],
  slack: ["down, by a status", "resolved"],
};
const SIZE = { width: 640, height: 100 };

/**
 * Pictures of messages as docs/alerts.md shows them: "message_mail.png", the HTML part of a mail as
 * Chromium shows it, and "message_slack.png", what a webhook of Slack is sent, laid out as Slack does.
 *
 * @param folder Where they are written
 */
export async function pictureMessages(browser: Browser, folder: string): Promise<void> {
  const page = await browser.newPage({ viewport: SIZE });
  const shoot = async (name: string, html: string) => {
    await page.setContent(html);
    await page.screenshot({ path: join(folder, `message_${name}.png`), fullPage: true });
  };
  const of = (name: string) => OF_EACH_KIND[name]!;
  const mail = { type: "email", host: "", from: "httpmon@example.com", to: "" } as const;
  await shoot("mail", SHOWN.mail.map((name) => mailOf(of(name), mail, NOW).html).join(""));
  await shoot("slack", slackPage(SHOWN.slack.map(of)));
  await page.close();
}

type SlackBody = ReturnType<typeof slackBody>;

/** Incoming messages in a channel: the text, and beside a line of its colour what is attached. */
function slackPage(messages: readonly Message[]): string {
  return `<!doctype html><html lang="en"><style>
    body { margin: 0; padding: 16px 20px; font: 14px/20px Lato, "Helvetica Neue", Arial, sans-serif;
      color: #1d1c1d }
    article { display: grid; grid-template-columns: 36px 1fr; gap: 8px; margin-bottom: 12px }
    .icon { width: 36px; height: 36px; border-radius: 6px; background: #344054; color: #fff;
      display: grid; place-items: center; font-weight: bold }
    .app { color: #616061; font-size: 10px; background: #e8e8e8; border-radius: 2px; padding: 1px 3px }
    .mark { display: inline-block; width: 14px; height: 14px; border-radius: 7px; margin: 0 2px -2px 0 }
    .attached { border-left: 4px solid; border-radius: 2px; padding-left: 12px; margin-top: 4px }
    .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 16px }
    .section { margin-bottom: 8px }
    .context { color: #616061; font-size: 13px }
    a { color: #1264a3; text-decoration: none }
  </style>${messages.map((message) => slackMessage(slackBody(message, NOW))).join("")}</html>`;
}

function slackMessage({ text, attachments: [attached] }: SlackBody): string {
  return `<article><div class="icon">h</div><div><div><b>httpmon</b> <span class="app">APP</span></div>
    <div>${withMark(mrkdwn(text), attached!.color)}</div>
    <div class="attached" style="border-color: ${attached!.color}">
    ${attached!.blocks.map(block).join("")}</div></div></article>`;
}

function block(block: SlackBody["attachments"][number]["blocks"][number]): string {
  const texts = "fields" in block
    ? block.fields
    : "elements" in block
    ? block.elements
    : [(block as { text: { text: string } }).text];
  const items = texts!.map(({ text }) => `<div>${mrkdwn(text)}</div>`).join("");
  const kind = block.type === "context" ? "context" : "section";
  return `<div class="${kind}${"fields" in block ? " fields" : ""}">${items}</div>`;
}

/** The mark is drawn: a machine without a font of emoji would show a box in its place. */
function withMark(html: string, colour: string): string {
  return html.replace(/^\S+/, `<span class="mark" style="background: ${colour}"></span>`);
}

/** What Slack makes of its own markup, as far as we use it: what is escaped is HTML already. */
function mrkdwn(text: string): string {
  return text.replace(/<(http[^|>]*)\|([^>]*)>/g, '<a href="$1">$2</a>')
    .replace(/(^|\s)\*([^*\n]+)\*/g, "$1<b>$2</b>").replaceAll("\n", "<br>");
}
