/** A webhook's receiver on loopback, which does as it is told. */
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { webhookBody } from "../../alerts/channels/webhook.ts";

export const SECRET = `whsec_${btoa("0123456789abcdef0123456789abcdef")}`;

/** "take": 204; "fail": 503; "refuse": 422; "late": takes it, and never answers; "hang": neither. */
export type Answer = "take" | "fail" | "refuse" | "late" | "hang";

/** A request's id, where it is one of a webhook. */
const idOf = (headers?: HeadersInit): string => new Headers(headers).get("webhook-id") ?? "";

export interface Received {
  id: string;
  notice: ReturnType<typeof webhookBody>;
}

/** @param answer By the number of the request, from 0 on */
export async function startReceiver(answer: (request: number, body: string) => Answer) {
  const taken: Received[] = [];
  const wrong: string[] = [];
  let requests = 0;
  let open = 0;
  const patience = new Map<string, AbortController>();
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    open++;
    response.on("close", () => open--);
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = new TextDecoder().decode(Buffer.concat(chunks));
      const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = request
        .headers as Record<string, string>;
      const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
      const good = createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64");
      if (signature !== `v1,${good}`) wrong.push(`${signature} of ${body}`);
      if (Math.abs(Number(at) - Date.now() / 1_000) > 60) wrong.push(`timestamp ${at}`);
      const how = answer(requests++, body);
      if (how === "take" || how === "late") taken.push({ id: id!, notice: JSON.parse(body) });
      if (how === "take" || how === "fail") response.writeHead(how === "take" ? 204 : 503).end();
      if (how === "refuse") response.writeHead(422).end("no");
      if (how === "hang" || how === "late") {
        patience.get(id!)?.abort(new DOMException("no answer", "TimeoutError"));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    channel: { type: "webhook" as const, url: `http://127.0.0.1:${port}/hook`, secret: SECRET },
    /** Runs out of time just where it is not answered, however slow the machine is. */
    fetch: ((url, init) => {
      const controller = new AbortController();
      patience.set(idOf(init?.headers), controller);
      return fetch(url, { ...init, signal: controller.signal });
    }) as typeof fetch,
    /** All that it took, repetitions too. */
    taken,
    /** What was not signed, or not now. */
    wrong,
    requests: () => requests,
    /** How many were asked and are not answered, by somebody who waits. */
    open: () => open,
    /** What it took, each once by its id, as "site event". */
    told: () => [
      ...new Map(taken.map(({ id, notice }) => [id, `${notice.incident.site} ${notice.event}`]))
        .values(),
    ],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
