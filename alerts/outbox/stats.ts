/** What an alerter has sent since it started, by channel. */
export interface SenderStats {
  sent: Record<string, number>;
  failures: Record<string, number>;
  givenUp: Record<string, number>;
}

/** All channels are there from the start, at 0. */
export function newSenderStats(channels: readonly string[]): SenderStats {
  const none = () => Object.fromEntries(channels.map((name) => [name, 0]));
  return { sent: none(), failures: none(), givenUp: none() };
}
