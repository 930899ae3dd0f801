import { z } from "zod";
import { text, whole } from "../../config/fields.ts";
import { escapeHtml } from "../../runtime/in_words.ts";
import type { Message } from "../message/message.ts";
import { LINK_TEXT, type Tone, type Words, wordsOf } from "../message/words.ts";
import { oneOrMore } from "./fields.ts";
import { channelKind, SendError } from "./kind.ts";

const ADDRESS = 'an address ("ops@example.com" or "Ops <ops@example.com>")';
const PORTS = { starttls: 587, tls: 465, none: 25 } as const;

const address = text(ADDRESS).refine(
  (given) => /^[^<>,]*<[^<>@\s,]+@[^<>@\s,]+>$|^[^<>@\s,]+@[^<>@\s,]+$/.test(given),
  { error: ADDRESS },
);

/** SMTP. What belongs to one incident is one thread, whatever the program that reads it. */
export const email = channelKind({
  type: "email",
  keys: {
    host: text("a server's name"),
    /** Left out: that of `security`. */
    port: whole(1, 65_535).nullish(),
    /** Left out: "starttls", without which nothing is sent. */
    security: z.literal(["starttls", "tls", "none"], { error: "starttls, tls or none" }).nullish(),
    /** PEM; left out: the system's authorities. */
    ca: z.string({ error: "PEM" }).nullish(),
    username: text("a user name").nullish(),
    password: text("a password").nullish(),
    from: address,
    to: oneOrMore(address, `${ADDRESS}, or a list of them`),
  },
  secrets: ["password"],
  hasThreads: true,
  send: async (message, channel, { nowMs, timeoutMs }) => {
    const { host, port, username, password, ca } = channel;
    const security = channel.security ?? "starttls";
    const { createTransport } = await import("nodemailer");
    const transport = createTransport({
      host,
      port: port ?? PORTS[security],
      secure: security === "tls",
      requireTLS: security === "starttls",
      ignoreTLS: security === "none",
      ...username && { auth: { user: username, pass: password ?? "" } },
      ...ca && { tls: { ca } },
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
    });
    try {
      const { response } = await transport.sendMail(mailOf(message, channel, nowMs));
      return response;
    } catch (cause) {
      const { message, code, responseCode = 0 } = cause as Error & {
        code?: string;
        responseCode?: number;
      };
      // Of the message or its addresses, not of the login or the connection.
      const isRefused = ["EENVELOPE", "EMESSAGE"].includes(code ?? "") && responseCode >= 500;
      throw new SendError(message, { isRefused, cause });
    } finally {
      transport.close();
    }
  },
});

/** What nodemailer is handed. @param now Wall clock, milliseconds since 1970 */
export function mailOf(
  message: Message,
  { from, to }: { from: string; to: string | string[] },
  now: number,
) {
  const { event, key, thread, includesOpening, incidents } = message;
  const domain = /@([^<>@\s]+?)>?$/.exec(from)![1]!;
  const words = wordsOf(message, now);
  const isReply = key !== thread && !includesOpening;
  const id = (key: string) => `<${key}@${domain}>`;
  // Who sorts by subjects is given the same one, too; the first line says what is new.
  const subject = isReply && incidents.length === 1
    ? `Re: ${wordsOf({ ...message, event: "opened" }, now).title}`
    : words.title;
  return {
    from,
    to: [to].flat(),
    subject,
    messageId: id(key),
    ...isReply && { inReplyTo: id(thread), references: [id(thread)] },
    headers: {
      "Auto-Submitted": "auto-generated",
      ...event === "opened" && words.tone === "critical" && { Importance: "high" },
    },
    text: `${words.title}\n\n${words.text}\n${words.link ? `\n${words.link}\n` : ""}`,
    html: htmlOf(words),
  };
}

const COLOURS: Record<Tone, string> = {
  critical: "#b42318",
  warning: "#b54708",
  resolved: "#067647",
  info: "#175cd3",
};
const TEXT = "font-size:14px;line-height:20px";
const FONT = `font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;${TEXT}`;
const CARD = "max-width:600px;margin:0 auto;background:#ffffff;border:1px solid #e4e7ec;" +
  "border-radius:6px;padding:20px 24px";
const NAME = "padding:4px 16px 4px 0;color:#667085;vertical-align:top;white-space:nowrap";
const VALUE = "padding:4px 0;color:#101828;word-break:break-word";

/** Styles are in each element, as programs that show mail leave no other way. */
function htmlOf({ tone, title, facts, list, link }: Words): string {
  const colour = COLOURS[tone];
  const rows = facts.map((fact) => fact.map(escapeHtml)).map(([name, value]) =>
    `<tr><td style="${NAME}">${name}</td><td style="${VALUE}">${value}</td></tr>`
  );
  const items = list.map((line) => `<div>${escapeHtml(line)}</div>`);
  const action = link && `<a href="${escapeHtml(link)}" style="color:#175cd3">${LINK_TEXT}</a>`;
  return `<!doctype html>
<html lang="en">
  <body style="margin:0;padding:24px;background:#f2f4f7;${FONT}">
    <div style="${CARD};border-top:4px solid ${colour}">
      <h1 style="margin:0 0 12px;font-size:18px;line-height:26px;color:${colour}">${
    escapeHtml(title)
  }</h1>
      <table role="presentation" style="border-collapse:collapse;${TEXT}">${rows.join("")}</table>
      <div style="margin-top:12px;color:#101828">${items.join("")}</div>
      <p style="margin:16px 0 0">${action ?? ""}</p>
    </div>
  </body>
</html>
`;
}
