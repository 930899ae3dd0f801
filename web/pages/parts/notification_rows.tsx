import type { Owed } from "../../data/pipeline.ts";
import { Ago, At } from "./basics.tsx";
import { count } from "./format.ts";

/** Who was told, or is to be. */
export function NotificationRows({ notifications, now, of = false }: {
  notifications: readonly Owed[];
  now: number;
  /** Whether to say of which incident. */
  of?: boolean;
}) {
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">owed</th>
            {of && <th scope="col">incident</th>}
            <th scope="col">channel</th>
            <th scope="col">of what</th>
            <th scope="col">is</th>
            <th scope="col" class="n">tries</th>
            <th scope="col">last error</th>
          </tr>
        </thead>
        <tbody>
          {notifications.map((one) => (
            <tr>
              <td>
                <At at={one.createdAt} />
              </td>
              {of && (
                <td>
                  <a href={`/incidents/${one.incidentId}`}>{one.incidentId}</a>
                </td>
              )}
              <td>{one.channel}</td>
              <td>{one.event}</td>
              <td>
                {one.state === "failed" ? "given up" : one.state}
                {one.sentAt !== null && (
                  <>
                    {" "}
                    <Ago at={one.sentAt} now={now} />
                  </>
                )}
                {one.state === "pending" && (
                  <>
                    , next try <Ago at={one.dueAt} now={now} />
                  </>
                )}
              </td>
              <td class="n">{count(one.attempts)}</td>
              <td class="text">{one.error}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
