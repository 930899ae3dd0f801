import type { Child } from "hono/jsx";
import type { Incident } from "../../data/incidents/incidents.ts";
import type { Owed } from "../../data/monitor/pipeline.ts";
import type { State } from "../../data/now/site_state.ts";
import { Ago, At, Marked, Table } from "./basics.tsx";
import { count, span } from "./format.ts";

/** A row an incident. @param withSubject Whether to say of what it is */
export function IncidentRows({ of, now, withSubject = false, none }: {
  of: readonly Incident[];
  now: number;
  withSubject?: boolean;
  none?: Child;
}) {
  const link = (one: Incident, text: string) => <a href={`/incidents/${one.id}`}>{text}</a>;
  return (
    <Table
      of={of}
      none={none}
      columns={{
        "what": (one) => (
          <Marked state={markOf(one.kind)}>
            {withSubject ? inWords(one.kind) : link(one, inWords(one.kind))}
          </Marked>
        ),
        ...withSubject && { "of": (one: Incident) => link(one, one.subject) },
        "opened": ({ openedAt }) => <At at={openedAt} />,
        "#lasted": ({ openedAt, closedAt }) => span((closedAt ?? now) - openedAt),
        "~why": ({ cause, locations }) => (
          <>
            {cause} <small>{locations.length > 0 && `seen from ${locations.join(", ")}`}</small>
          </>
        ),
        "state": ({ closedAt, acknowledgedAt }) => {
          if (closedAt !== null) return !withSubject && "over";
          return acknowledgedAt !== null ? "acknowledged" : <b>open</b>;
        },
      }}
    />
  );
}

/** "agent_silent" */
export function inWords(kind: string): string {
  return kind.replaceAll("_", " ");
}

/** The shape for a kind of incident. */
export function markOf(kind: string): State {
  return kind === "down" || kind === "degraded" ? kind : kind === "slo" ? "degraded" : "unobserved";
}

/** Who was told, or is to be. */
export function Notifications({ of, now, withIncident = false }: {
  of: readonly Owed[];
  now: number;
  withIncident?: boolean;
}) {
  return (
    <Table
      of={of}
      none="Nobody."
      columns={{
        "owed": ({ createdAt }) => <At at={createdAt} />,
        ...withIncident && {
          "incident": ({ incidentId: id }: Owed) => <a href={`/incidents/${id}`}>{id}</a>,
        },
        "channel": ({ channel }) => channel,
        "of what": ({ event }) => event,
        "is": ({ state, sentAt, dueAt }) => (
          <>
            {state === "failed" ? "given up" : state}{" "}
            {sentAt !== null && <Ago at={sentAt} now={now} />}
            {state === "pending" && (
              <>
                , next try <Ago at={dueAt} now={now} />
              </>
            )}
          </>
        ),
        "#tries": ({ attempts }) => count(attempts),
        "~last error": ({ error }) => error,
      }}
    />
  );
}
