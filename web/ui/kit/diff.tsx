// What a change has changed: before and after, a field to a line.

export type Change = { field: string; before: unknown; after: unknown };

type Facts = Record<string, unknown> | null;

function walk(prefix: string, value: unknown, into: Map<string, unknown>): void {
  if (value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length > 0) {
    for (const [name, v] of Object.entries(value)) walk(prefix === "" ? name : prefix + "." + name, v, into);
  } else into.set(prefix, value);
}

const text = (v: unknown): string => (v === undefined ? "" : typeof v === "string" ? v : JSON.stringify(v));

/** changes are the fields in which two records differ, dotted, in the order of their names. */
export function changes(before: Facts, after: Facts): Change[] {
  const old = new Map<string, unknown>();
  const now = new Map<string, unknown>();
  if (before) walk("", before, old);
  if (after) walk("", after, now);
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((f) => f !== "" && text(old.get(f)) !== text(now.get(f)))
    .sort()
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }));
}

/** Diff shows them as text; a side that has no such field stays empty. */
export function Diff({ before, after }: { before: Facts; after: Facts }) {
  const rows = changes(before, after);
  if (rows.length === 0) return <p class="none">Nothing that is kept has changed.</p>;
  return (
    <div class="diff" tabIndex={0} role="region" aria-label="What has changed">
      <table aria-label="Before and after">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.field}>
              <th scope="row">{r.field}</th>
              <td>{r.before === undefined ? <span class="none">–</span> : <del>{text(r.before) || "empty"}</del>}</td>
              <td>{r.after === undefined ? <span class="none">–</span> : <ins>{text(r.after) || "empty"}</ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
