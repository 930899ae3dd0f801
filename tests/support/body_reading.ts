import { type Allowance, Allowances } from "../../agent/condition/allowance.ts";
import { Limiter } from "../../agent/condition/limiter.ts";
import { waitFor } from "../../local/wait.ts";

/** What a server may know of how far its client has read, so that what it does next comes after. */
export interface BodyReading {
  /** For the client's request. */
  allowance: Allowance;
  /** Resolves when the client has read so many bytes of the body. */
  hasRead(bytes: number): Promise<void>;
}

export function bodyReading(): BodyReading {
  const allowance = new Allowances(Infinity, new Limiter(100)).open();
  const { takeBytes } = allowance;
  let read = 0;
  allowance.takeBytes = (bytes) => {
    takeBytes(bytes);
    read += bytes;
  };
  const hasRead = (bytes: number) =>
    waitFor(`${bytes} bytes of the body to be read`, () => read >= bytes, 120_000, 1);
  return { allowance, hasRead };
}
