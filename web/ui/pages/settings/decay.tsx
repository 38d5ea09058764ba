// How points fade: the curve of a half-life, and what it says in words for whoever does not see it.

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Select } from "../../kit";
import { type Draft, halfLifeOf, left, seconds, span } from "./intelligenceform";

const days = 90;
const marks = [7, 14, 30, 60];

/** curve is the path of what is left, in a box of 90 by 100. */
function curve(halfLife: number): string {
  const points = Array.from({ length: 181 }, (_, i) => `${i / 2} ${((1 - left(halfLife, i / 2)) * 100).toFixed(3)}`);
  return "M" + points.join("L");
}

/** summary says what a half-life means. */
function summary(halfLife: number): string {
  if (halfLife === Infinity) return "Points stay as they are, whatever the time.";
  return `Half is left after ${span(halfLife)}, a quarter after ${span(2 * halfLife)}, a hundredth after ${span(halfLife * Math.log2(100))}.`;
}

type Subject = { halfLife: string; worth: number; unit: string };

/** subjectOf is what the curve shows: all of it, or the points of a type of a draft. */
function subjectOf(d: Draft, type: string): Subject {
  const common = halfLifeOf(d);
  const row = type === "" ? undefined : d.types.find((t) => t.key === type);
  if (!row) return { halfLife: common, worth: 100, unit: " %" };
  return { halfLife: row.halfLife.trim() || common, worth: Number(row.points || (row.shipped ?? d.points)), unit: "" };
}

/** written is a number with its unit: as many digits as tell what is left apart, and always as many in a column of points. */
function written(n: number, unit: string): string {
  const digits = unit === "" || (n > 0 && n < 1) ? 1 : 0;
  return n.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits }) + unit;
}

/** Decay shows how points of a draft fade, beside how they fade now. */
export function Decay({ draft, base }: { draft: Draft; base: Draft }) {
  const type = useSignal("");
  const same = (t: { key: string }) => t.key === type.value;
  const row = draft.types.find(same);
  const now = subjectOf(draft, type.value);
  const was = !row || base.types.some(same) ? subjectOf(base, type.value) : now;
  const life = seconds(now.halfLife);
  const shown = useRef(life);
  if (life !== null) shown.current = life; // half a number is no reason to take the curve away
  const named = draft.types.filter((t) => t.name.trim() !== "");
  const options = [{ value: "", label: "100 % of any signal's points" }, ...named.map((t) => ({ value: t.key, label: `${t.name.trim()}, ${t.points || (t.shipped ?? draft.points)} points` }))];
  return (
    <div class="stack">
      <Select label="What the curve shows" value={row ? type.value : ""} onInput={(v) => void (type.value = v)} options={options} />
      {shown.current !== null && <Curve life={shown.current} before={seconds(was.halfLife) ?? shown.current} now={now} was={was} stale={life === null} />}
      {row && row.halfLife.trim() !== "" && <p class="hint">This type has a half-life of its own, {row.halfLife}.</p>}
    </div>
  );
}

function Curve({ life, before, now, was, stale }: { life: number; before: number; now: Subject; was: Subject; stale: boolean }) {
  const half = life / 86_400;
  const changed = before !== life || was.worth !== now.worth;
  return (
    <figure class={"decay" + (stale ? " stale" : "")}>
      <figcaption>
        <p role="status">{stale ? "A half-life is a whole number, at most 3,650 days." : summary(life)}</p>
      </figcaption>
      <div class="decay-plot" aria-hidden="true">
        <div class="decay-box">
          <svg viewBox="0 0 90 100" preserveAspectRatio="none" focusable="false">
            {[25, 50, 75].map((y) => (
              <path key={y} class="grid" d={`M0 ${y}H${days}`} />
            ))}
            <path class="area" d={curve(life) + `L${days} 100L0 100Z`} />
            {before !== life && <path class="before" d={curve(before)} />}
            {half < days && <path class="half" d={`M${half} 100V50H0`} />}
            <path class="line" d={curve(life)} />
          </svg>
          {marks.map((d) => (
            <i key={d} style={{ left: (d / days) * 100 + "%", top: (1 - left(life, d)) * 100 + "%" }} />
          ))}
        </div>
        <ol class="decay-y">
          {[1, 0.5, 0].map((y) => (
            <li key={y}>{written(now.worth * y, now.unit)}</li>
          ))}
        </ol>
        <ol class="decay-x">
          {[0, 30, 60, 90].map((d) => (
            <li key={d}>{d === 0 ? "now" : d + " d"}</li>
          ))}
        </ol>
      </div>
      <table class="decay-words">
        <caption class="unseen">What is left of {written(now.worth, now.unit)} with time</caption>
        <thead>
          <tr>
            <th scope="col">After</th>
            <th scope="col">Left</th>
            <th scope="col">{changed ? "Saved" : <span class="unseen">Saved</span>}</th>
          </tr>
        </thead>
        <tbody>
          {marks.map((d) => (
            <tr key={d}>
              <th scope="row">{d} days</th>
              <td>{written(now.worth * left(life, d), now.unit)}</td>
              <td>{changed ? written(was.worth * left(before, d), was.unit) : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
