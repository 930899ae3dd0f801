import type { Incident } from "../../data/incidents/incidents.ts";
import type { State } from "../../data/now/judge.ts";
import type { Owed } from "../../data/monitor/pipeline.ts";
import { Ago, At, Mark, Table } from "./basics.tsx";
import { count, span } from "./format.ts";

/** A row an incident. @param withSubject Whether to say of what it is */
export function IncidentRows({ of, now, withSubject = false }: {
  of: readonly Incident[];
  now: number;
  withSubject?: boolean;
}) {
  return (
    <Table
      head={[
        "what",
        ...withSubject ? ["of"] : [],
        "opened",
        "#lasted",
        "~why",
        "state",
      ]}
      rows={of.map((one) => {
        const kind = one.kind.replaceAll("_", " ");
        const link = <a href={`/incidents/${one.id}`}>{withSubject ? one.subject : kind}</a>;
        return [
          <span class="state">
            <Mark state={markOf(one.kind)} /> {withSubject ? kind : link}
          </span>,
          ...withSubject ? [link] : [],
          <At at={one.openedAt} />,
          span((one.closedAt ?? now) - one.openedAt),
          <>
            {one.cause}{" "}
            <small>{one.locations.length > 0 && `seen from ${one.locations.join(", ")}`}</small>
          </>,
          one.closedAt !== null
            ? !withSubject && "over"
            : one.acknowledgedAt !== null
            ? "acknowledged"
            : <b>open</b>,
        ];
      })}
    />
  );
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
      head={[
        "owed",
        ...withIncident ? ["incident"] : [],
        "channel",
        "of what",
        "is",
        "#tries",
        "~last error",
      ]}
      none="Nobody."
      rows={of.map((one) => [
        <At at={one.createdAt} />,
        ...withIncident ? [<a href={`/incidents/${one.incidentId}`}>{one.incidentId}</a>] : [],
        one.channel,
        one.event,
        <>
          {one.state === "failed" ? "given up" : one.state}{" "}
          {one.sentAt !== null && <Ago at={one.sentAt} now={now} />}
          {one.state === "pending" && (
            <>
              , next try <Ago at={one.dueAt} now={now} />
            </>
          )}
        </>,
        count(one.attempts),
        one.error,
      ])}
    />
  );
}
