import net from "node:net";
import type { HttpClient } from "../http/types.ts";
import type { AskControl } from "./network.ts";

/** Asks a URL for any response, and "host:port" for a connection. */
export function askControlBy(client: HttpClient): AskControl {
  return async (control, signal) => {
    if (!control.includes("://")) return await connects(control, signal);
    const request = { url: control, method: "HEAD", followRedirects: false };
    return (await client(request, signal)).status !== null;
  };
}

function connects(control: string, signal: AbortSignal): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${control}`);
  return new Promise((resolve) => {
    const socket = net.connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
    const end = (answers: boolean) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      resolve(answers);
    };
    const onAbort = () => end(false);
    signal.addEventListener("abort", onAbort);
    socket.once("connect", () => end(true)).on("error", onAbort);
  });
}
