import type { Process } from "../../data/monitor/ops.ts";
import { StateWord, Table } from "./basics.tsx";

/** A metric by its title, and how its value is shown. */
type Metrics = Readonly<Record<string, [metric: string, shown: (value: number) => string]>>;

/** What processes say of themselves. */
export function Processes({ of, metrics }: { of: readonly Process[]; metrics: Metrics }) {
  const columns = Object.entries(metrics).map(([title, [metric, shown]]) => {
    const cell = ({ value }: Process) => {
      const found = value(metric);
      return found === null ? "–" : shown(found);
    };
    return [`#${title}`, cell];
  });
  return (
    <Table
      of={of}
      none={
        <>
          None is known: <code>web.ops</code> of the dashboard's config names where they listen.
        </>
      }
      columns={{
        "address": ({ url }) => url,
        "is": ({ error, mode, value }) => {
          if (error !== null) {
            return <StateWord state="unobserved" word={`does not answer: ${error}`} />;
          }
          return value("httpmon_ready") === 1
            ? <StateWord state="up" word={`ready, ${mode}`} />
            : <StateWord state="degraded" word={`not ready, ${mode}`} />;
        },
        "version": ({ version }) => version,
        ...Object.fromEntries(columns),
      }}
    />
  );
}
