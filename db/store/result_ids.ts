import type { ClientBase } from "pg";
import type { ResultMessage } from "../../wire/message.ts";
import { Distinct } from "./distinct.ts";
import { agentIds, siteIds, type SiteKey } from "./identities.ts";
import type { ResultRow } from "./result_columns.ts";
import { type AgentContext, contextIds, type Handshake, handshakeIds } from "./shared_rows.ts";

/** Gives results the ids of their sites, agents and what else they share, made where missing. */
export async function withIds(
  client: ClientBase,
  messages: readonly ResultMessage[],
): Promise<ResultRow[]> {
  const agents = new Distinct<string>();
  const sites = new Distinct<SiteKey>();
  const contexts = new Distinct<AgentContext>();
  const handshakes = new Distinct<Handshake>();
  const indexes = messages.map((message) => ({
    agent: agents.add(message.agentUUID, message.agentUUID),
    site: addSite(sites, message),
    context: addContext(contexts, message),
    handshake: addHandshake(handshakes, message),
  }));
  // One order of tables, so of locks, for all writers.
  const agentIdOf = await agentIds(client, agents.values);
  const siteIdOf = await siteIds(client, sites.values);
  const contextIdOf = await contextIds(client, contexts.values);
  const handshakeIdOf = await handshakeIds(client, handshakes.values);
  return messages.map((message, n) => {
    const { agent, site, context, handshake } = indexes[n]!;
    return {
      message,
      agentId: agentIdOf[agent]!,
      siteId: siteIdOf[site]!,
      contextId: context === null ? null : contextIdOf[context]!,
      handshakeId: handshake === null ? null : handshakeIdOf[handshake]!,
    };
  });
}

function addSite(sites: Distinct<SiteKey>, { url, site }: ResultMessage): number {
  return sites.add(site === undefined ? url : `${site}\0${url}`, { url, name: site ?? null });
}

function addContext(
  contexts: Distinct<AgentContext>,
  { location, labels }: ResultMessage,
): number | null {
  const hasLabels = labels !== undefined && Object.keys(labels).length > 0;
  if (location === undefined && !hasLabels) return null;
  // The same labels in another order come twice, which is seldom and does no harm.
  return contexts.add(JSON.stringify([location, labels]), {
    location: location ?? null,
    labels: hasLabels ? labels : null,
  });
}

function addHandshake(handshakes: Distinct<Handshake>, { tls }: ResultMessage): number | null {
  if (tls === undefined) return null;
  const { version, cipher, verified, error, expiresAt, fingerprint } = tls;
  const values = [version, cipher, verified, error, expiresAt, fingerprint];
  return handshakes.add(JSON.stringify(values), tls);
}
