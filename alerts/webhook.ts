import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { WebhookChannel } from "../config/types.ts";

/**
 * The headers of the Standard Webhooks specification: its HMAC-SHA256 is over "id.timestamp.body",
 * the key is what stands in base64 behind "whsec_".
 *
 * @param id The same at each try
 * @param nowMs Wall clock, milliseconds since 1970
 */
export function signedHeaders(
  secret: string,
  id: string,
  nowMs: number,
  body: string,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  };
}

/**
 * Posts once. Anything but a status of 200 to 299 within the time is a failure, a redirect too.
 *
 * @throws With what went wrong, for the log
 */
export async function postWebhook(
  { url, secret }: WebhookChannel,
  { id, body }: { id: string; body: string },
  { fetch, nowMs, timeoutMs }: { fetch: typeof globalThis.fetch; nowMs: number; timeoutMs: number },
): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: signedHeaders(secret, id, nowMs, body),
    body,
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`The receiver answered with status ${response.status}`);
}
