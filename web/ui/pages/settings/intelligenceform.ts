// How signals are scored, as text in fields, and back: pure, so that what is sent and what the curve shows come from the same words.

import type { Scoring, Stage } from "../../api-types";

/** Unit is how long a number of a half-life is; never has no number. */
export type Unit = "m" | "h" | "d" | "s" | "never";

export type TypeRow = { key: string; name: string; points: string; halfLife: string; cap: string; shipped: number | null };
export type RuleRow = { key: string; name: string; type: string; when: string; points: string };
export type StageRow = { key: string; name: string; min: string };

export type Draft = {
  half: { number: string; unit: Unit };
  points: string;
  cap: string;
  boost: string;
  types: TypeRow[];
  rules: RuleRow[];
  stages: { account: StageRow[]; contact: StageRow[] };
};

let last = 0;
/** key tells rows that were added here apart; those that are saved are told by what they are. */
export const key = (): string => "+" + ++last;

/** isFresh says whether a row was added here. */
export const isFresh = (row: { key: string }): boolean => row.key.startsWith("+");

const text = (n: number | null): string => (n === null ? "" : String(n));
const stagesOf = (list: Stage[]): StageRow[] => list.map((s, i) => ({ key: String(i), name: s.name, min: String(s.min) }));

/** draftOf writes a scoring as the fields show it. A rule that has no name of its own has an empty one. */
export function draftOf(s: Scoring): Draft {
  const half = /^(\d+)([smhd])$/.exec(s.half_life);
  const types = Object.entries(s.types).map(([name, t]): TypeRow => ({ key: "=" + name, name, points: text(t.points), halfLife: t.half_life ?? "", cap: text(t.cap), shipped: t.shipped }));
  const most = (t: TypeRow) => Number(t.points);
  return {
    half: half ? { number: half[1]!, unit: half[2] as Unit } : { number: "", unit: "never" },
    points: text(s.default_points),
    cap: text(s.default_cap),
    boost: text(s.boost),
    types: types.sort((a, b) => most(b) - most(a) || (a.name < b.name ? -1 : 1)),
    rules: s.rules.map((r, i) => ({ key: String(i), name: r.name === (r.when ?? r.type) ? "" : r.name, type: r.type, when: r.when ?? "", points: text(r.points) })),
    stages: { account: stagesOf(s.stages.account), contact: stagesOf(s.stages.contact) },
  };
}

const number = (v: string): number | null => (v.trim() === "" ? null : Number(v));
const word = (v: string): string | null => v.trim() || null;

/** halfLifeOf is the workspace's half-life as the API writes it. */
export const halfLifeOf = ({ half }: Draft): string => (half.unit === "never" ? "never" : half.number.trim() === "" ? "" : half.number.trim() + half.unit);

/** bodyOf is what the API takes. What is as shipped is left out, and so is a row in which nothing was written. */
export function bodyOf(d: Draft) {
  const types = d.types.filter((t) => t.name.trim() !== "" || t.points !== "" || t.halfLife !== "" || t.cap !== "");
  const own = types.filter((t) => t.shipped === null || number(t.points) !== t.shipped || t.halfLife.trim() !== "" || t.cap !== "");
  return {
    half_life: word(halfLifeOf(d)),
    default_points: number(d.points),
    default_cap: number(d.cap),
    boost: number(d.boost),
    types: Object.fromEntries(own.map((t) => [t.name.trim(), { points: number(t.points), half_life: word(t.halfLife), cap: number(t.cap) }])),
    rules: d.rules.map((r) => ({ name: word(r.name), type: word(r.type), when: word(r.when), points: number(r.points) })),
    stages: { account: stageBodies(d.stages.account), contact: stageBodies(d.stages.contact) },
  };
}

const stageBodies = (rows: StageRow[]) => rows.map((s) => ({ name: s.name.trim(), min: number(s.min) }));

/** twice is the type that has two rows, "" for none. */
export function twice(rows: TypeRow[]): string {
  const seen = new Set<string>();
  for (const { name } of rows) {
    const n = name.trim();
    if (n !== "" && seen.has(n)) return n;
    seen.add(n);
  }
  return "";
}

const partNames = { half_life: "half-life", default_points: "other types", default_cap: "cap", boost: "boost", types: "points", rules: "rules", stages: "stages" } as const;

/** touched names the parts in which two drafts say something else. */
export function touched(a: Draft, b: Draft): string[] {
  const [was, is] = [bodyOf(a), bodyOf(b)];
  return (Object.keys(partNames) as (keyof typeof partNames)[]).filter((p) => JSON.stringify(was[p]) !== JSON.stringify(is[p])).map((p) => partNames[p]);
}

/** moves says whether records would stand elsewhere at once: half-lives, caps, boost and stages count for what is stored too. */
export function moves(a: Draft, b: Draft): boolean {
  const standing = (d: Draft) => {
    const { half_life, default_cap, boost, types, stages } = bodyOf(d);
    return JSON.stringify([half_life, default_cap, boost, stages, Object.entries(types).filter(([, t]) => t.half_life !== null || t.cap !== null).map(([name, t]) => [name, t.half_life, t.cap])]);
  };
  return standing(a) !== standing(b);
}

/** paramsOf are the fields that an error of the API can stand at. */
export const paramsOf = (d: Draft): string[] => ["half_life", "default_points", "default_cap", "boost", "types", "stages", ...d.rules.map((_, i) => `rules[${i}]`)];

const sizes: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** seconds reads a half-life: Infinity for never, null for what is none. */
export function seconds(halfLife: string): number | null {
  if (halfLife === "never") return Infinity;
  const found = /^(\d+)([smhd])$/.exec(halfLife);
  const n = found ? Number(found[1]) * sizes[found[2]!]! : 0;
  return n >= 1 && n <= 3650 * 86_400 ? n : null;
}

/** left is which part of points is left after some days. */
export const left = (halfLife: number, days: number): number => (halfLife === Infinity ? 1 : 2 ** ((-days * 86_400) / halfLife));

/** span writes seconds as people say them. */
export function span(s: number): string {
  const [size, unit] = ([[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]] as [number, string][]).find(([size]) => s >= size) ?? [1, "second"];
  const n = Math.round((s / size) * 10) / 10;
  return `${n.toLocaleString("en")} ${unit}${n === 1 ? "" : "s"}`;
}

/** said is what the API says of a field, without the field's name. */
export function said(error: { param: string; message: string } | null, param: string): string {
  if (error?.param !== param) return "";
  const rest = error.message.toLowerCase().startsWith(param.toLowerCase()) ? error.message.slice(param.length).replace(/^[:\s]+/, "") : error.message;
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}
