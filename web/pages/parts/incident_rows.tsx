import type { Incident } from "../../data/incidents.ts";
import type { State } from "../../data/judge.ts";
import { At, Mark } from "./basics.tsx";
import { span } from "./format.ts";

/** A row an incident. */
export function IncidentRows({ incidents, now, of = false }: {
  incidents: readonly Incident[];
  now: number;
  /** Whether to say of what they are. */
  of?: boolean;
}) {
  if (incidents.length === 0) return <p>None.</p>;
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">what</th>
            {of && <th scope="col">of</th>}
            <th scope="col">opened</th>
            <th scope="col" class="n">lasted</th>
            <th scope="col">why</th>
            <th scope="col">seen from</th>
            <th scope="col">state</th>
          </tr>
        </thead>
        <tbody>
          {incidents.map((incident) => {
            const { id, kind, subject, openedAt, closedAt, acknowledgedAt, cause, locations } =
              incident;
            const link = (
              <a href={`/incidents/${id}`}>{of ? subject : kind.replaceAll("_", " ")}</a>
            );
            return (
              <tr>
                <td>
                  <Mark state={markOf(kind)} /> {of ? kind.replaceAll("_", " ") : link}
                </td>
                {of && <td class="name" title={subject}>{link}</td>}
                <td>
                  <At at={openedAt} />
                </td>
                <td class="n">{span((closedAt ?? now) - openedAt)}</td>
                <td class="text">{cause}</td>
                <td class="text">{locations.join(", ")}</td>
                <td>
                  {closedAt !== null
                    ? "over"
                    : acknowledgedAt !== null
                    ? "acknowledged"
                    : <b>open</b>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** The shape for a kind of incident. */
export function markOf(kind: string): State {
  return kind === "down" || kind === "degraded" ? kind : kind === "slo" ? "degraded" : "unobserved";
}
