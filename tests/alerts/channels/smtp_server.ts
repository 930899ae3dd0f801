/** A mail server on loopback, which keeps what it takes. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { makeCertificates } from "../../../local/certificates.ts";

export interface Mail {
  from: string;
  to: string[];
  isSecure: boolean;
  user: string | null;
  /** By name, lower case; folded lines joined. */
  headers: Record<string, string>;
  body: string;
}

/** @param refuse What to answer a recipient with: 550 and so on; null takes it */
export async function startSmtp(
  { refuse = () => null, isSecure = false, hasStartTls = true }: {
    refuse?: (to: string) => number | null;
    isSecure?: boolean;
    hasStartTls?: boolean;
  } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), "httpmon-smtp-"));
  const { ca, serverCert, serverKey } = await makeCertificates(folder);
  const mails: Mail[] = [];
  const server = new SMTPServer({
    secure: isSecure,
    ...!hasStartTls && { disabledCommands: ["STARTTLS"] },
    cert: await readFile(serverCert),
    key: await readFile(serverKey),
    authOptional: true,
    onAuth({ username, password }, _session, done) {
      if (username === "ops" && password === "correct horse") done(null, { user: username });
      else done(new Error("Invalid username or password"));
    },
    onRcptTo({ address }, _session, done) {
      const code = refuse(address);
      if (code === null) done();
      else done(Object.assign(new Error("No such user here"), { responseCode: code }));
    },
    onData(stream, session, done) {
      const chunks: Uint8Array[] = [];
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      stream.on("end", () => {
        const text = new TextDecoder().decode(Buffer.concat(chunks));
        const [head, ...rest] = text.split("\r\n\r\n");
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          isSecure: session.secure,
          user: typeof session.user === "string" ? session.user : null,
          headers: Object.fromEntries(
            head!.replace(/\r\n[ \t]+/g, " ").split("\r\n").map((line) => {
              const colon = line.indexOf(":");
              return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
            }),
          ),
          body: plainText(rest.join("\r\n\r\n")),
        });
        done(null, "queued as 1");
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    /** PEM of the authority that its certificate is of. */
    ca: await readFile(ca, "utf8"),
    mails,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Quoted-printable (RFC 2045, 6.7) as what it stands for. */
function plainText(body: string): string {
  const bytes = body.replace(/=\r\n/g, "").replace(
    /=([0-9A-F]{2})/g,
    (_, hex) => String.fromCharCode(parseInt(hex, 16)),
  );
  return new TextDecoder().decode(Buffer.from(bytes, "latin1"));
}
