import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { HtmlEscapedString } from "hono/utils/html";
import type { State } from "../../data/now/site_state.ts";
import { amount, count, exact, percent, short, span } from "./format.ts";

const SHAPES: Record<State, string> = {
  up: "M6 1a5 5 0 1 0 0 10A5 5 0 1 0 6 1z",
  degraded: "M6 .8 11.6 11H.4z",
  down: "M1 1h10v10H1z",
  unknown: "M6 1a5 5 0 1 0 0 10A5 5 0 1 0 6 1zm0 2a3 3 0 1 1 0 6 3 3 0 1 1 0-6z",
  maintenance: "M6 .3 11.7 6 6 11.7.3 6z",
  unobserved: "M1 5 5 1h2L1 7zM1 9l8-8h2L1 11zM5 11l6-6v2l-4 4zM9 11l2-2v2z",
};

/** Made once: a page has a hundred. */
const MARKS = Object.fromEntries(
  Object.entries(SHAPES).map(([state, d]) => [
    state,
    raw(
      `<svg class="mark ${state}" viewBox="0 0 12 12" aria-hidden="true">` +
        `<path d="${d}" fill-rule="evenodd"></path></svg>`,
    ),
  ]),
) as Record<State, HtmlEscapedString>;

/** A state as shape and colour; its word stands beside it. */
export function Mark({ state }: { state: State }) {
  return MARKS[state];
}

/** What a state's shape stands before. */
export function Marked({ state, children }: { state: State; children: Child }) {
  return (
    <span class="state">
      <Mark state={state} /> {children}
    </span>
  );
}

/** A state as shape, colour and word. */
export function StateWord({ state, word = state }: { state: State; word?: string }) {
  return (
    <span class={`state ${state}`}>
      <Mark state={state} /> {word}
    </span>
  );
}

/** "4 min ago"; the exact time on hover. The page's script keeps it true. */
export function Ago({ at, now }: { at: number; now: number }) {
  return (
    <time datetime={new Date(at).toISOString()} title={exact(at)} data-ago>
      {at > now ? `in ${short(at - now)}` : `${short(now - at)} ago`}
    </time>
  );
}

/** How long since: "4 min 12 s". */
export function Since({ at, now }: { at: number; now: number }) {
  return (
    <time datetime={new Date(at).toISOString()} title={`since ${exact(at)}`} data-since>
      {span(now - at)}
    </time>
  );
}

const LENGTHS = { day: 10, minute: 16, second: 19 };

/** A time, UTC; the exact one on hover. */
export function At({ at, to = "minute" }: { at: number; to?: keyof typeof LENGTHS }) {
  return (
    <time datetime={new Date(at).toISOString()} title={exact(at)}>
      {exact(at).slice(0, LENGTHS[to])} {to !== "day" && <small>UTC</small>}
    </time>
  );
}

/** A number with its unit behind it, dim. As text, as a page has 600. */
function figure(value: string | null, unit: string) {
  return raw(value === null ? '<span class="none">–</span>' : `${value} <small>${unit}</small>`);
}

export function Uptime({ of }: { of: number | null }) {
  return figure(of === null ? null : percent(of), "%");
}

export function Ms({ of }: { of: number | null }) {
  return figure(of === null ? null : amount(of), "ms");
}

/** Of a certificate: in colour, and with a mark, where somebody should see to it. */
export function DaysLeft({ until, now }: { until: number; now: number }) {
  const days = Math.floor((until - now) / 86_400_000);
  const text = days < 0 ? "ended" : `${count(days)} d`;
  if (days >= SOON_DAYS) return text;
  return <StateWord state={days < 0 ? "down" : "degraded"} word={text} />;
}

/** Whoever renews certificates by itself has done so by then. */
const SOON_DAYS = 14;

interface SendProps {
  to: string;
  csrf: string;
  /** What stands on its button. */
  says: string;
  as?: string;
  /** Hidden ones. */
  fields?: Readonly<Record<string, string>>;
  children?: Child;
}

/** A form that changes something, with its token. */
export function Send({ to, csrf, says, as = "inline", fields = {}, children }: SendProps) {
  return (
    <form method="post" action={to} class={as}>
      {Object.entries({ csrf, ...fields }).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {children}
      <button type="submit">{says}</button>
    </form>
  );
}

/** What stands in each column, by its title: numbers where that begins with "#", long texts with "~". */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Child>>;

interface TableProps<Row> {
  of: readonly Row[];
  columns: Columns<Row>;
  /** Said in its place where it has no rows. */
  none?: Child;
  narrow?: boolean;
}

/** A row each, without the columns in which nothing stands. */
export function Table<Row>({ of, columns, none = "None.", narrow = false }: TableProps<Row>) {
  if (of.length === 0) return <p>{none}</p>;
  const shown = Object.entries(columns).map(([title, cell]) => ({
    title: title.replace(/^[#~]/, ""),
    kind: ({ "#": "n", "~": "text" })[title[0]!],
    cells: of.map(cell),
  })).filter(({ cells }) =>
    cells.some((cell) => ![undefined, null, false, ""].includes(cell as ""))
  );
  return (
    <div class="wide">
      <table class={narrow ? "narrow" : "rows"}>
        <thead>
          <tr>{shown.map(({ title, kind }) => <th scope="col" class={kind}>{title}</th>)}</tr>
        </thead>
        <tbody>
          {of.map((_, n) => (
            <tr>
              {shown.map(({ title, kind, cells }) => (
                <td class={kind} data-of={title}>{cells[n]}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The figures at the head of a page, the first one large where it is the `main` one. */
export function Figures({ of, main = false }: {
  of: readonly (readonly [title: string, value: Child])[];
  main?: boolean;
}) {
  return (
    <dl class="figures">
      {of.map(([title, value], n) => (
        <div class={main && n === 0 ? "main" : undefined}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A field for a part of a name. */
export function Search({ value }: { value: string }) {
  return (
    <input type="search" name="q" value={value} placeholder="name or URL" aria-label="Search" />
  );
}

/** Folded: the SQL that gives what stands above it. */
export function Sql({ children }: { children: Child }) {
  return (
    <details class="sql">
      <summary>how this is computed</summary>
      <pre tabindex={0}>{children}</pre>
    </details>
  );
}
