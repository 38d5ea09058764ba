import type { ComponentChild } from "preact";
import { CopyButton } from "./copy";

const token = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/** pretty writes JSON with two spaces; text that is no JSON comes back as it is. */
export function pretty(v: unknown): string {
  if (typeof v !== "string") return JSON.stringify(v, null, 2) ?? "";
  return v;
}

/** JsonView shows a value, or a body's very text, with its tokens told apart. All of it is text: nothing in it is ever markup. */
export function JsonView({ value, label = "JSON", copy = true }: { value: unknown; label?: string; copy?: boolean }) {
  const text = pretty(value);
  return (
    <div class="json">
      <pre tabIndex={0} aria-label={label} role="group">
        <code>{text.length > 100_000 ? text : coloured(text)}</code>
      </pre>
      {copy && <CopyButton text={text} label={"Copy " + label} />}
    </div>
  );
}

function coloured(text: string) {
  const parts: ComponentChild[] = [];
  let at = 0;
  for (const m of text.matchAll(token)) {
    if (m.index > at) parts.push(text.slice(at, m.index));
    if (m[1] !== undefined) {
      parts.push(<span class={m[2] === undefined ? "s" : "k"}>{m[1]}</span>);
      if (m[2] !== undefined) parts.push(m[2]);
    } else parts.push(<span class={m[3] === undefined ? "n" : "w"}>{m[0]}</span>);
    at = m.index + m[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}
