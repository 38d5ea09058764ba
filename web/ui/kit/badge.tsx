import type { ComponentChildren } from "preact";

export type Tone = "neutral" | "good" | "warn" | "bad" | "info";

/** Badge says a state in a word. Its colour repeats the word and never replaces it. */
export function Badge({ tone = "neutral", dot, children }: { tone?: Tone; dot?: boolean; children: ComponentChildren }) {
  return (
    <span class={"badge " + tone}>
      {dot && <i aria-hidden="true" />}
      {children}
    </span>
  );
}

const tones: Record<string, Tone> = {
  delivered: "good", pending: "info", retrying: "warn", failed: "bad", skipped: "neutral",
  accepted: "good", duplicate: "neutral", refused: "bad", ignored_fields: "warn",
  active: "good", invited: "info", enabled: "good", disabled: "neutral",
  live: "good", draft: "neutral",
  proposed: "info", done: "good", undone: "neutral",
  created: "good", updated: "info", unchanged: "neutral", rejected: "bad",
};

/** Status is the badge of one of the API's own states. */
export function Status({ of }: { of: string }) {
  return (
    <Badge tone={tones[of] ?? "neutral"} dot>
      {of.replaceAll("_", " ")}
    </Badge>
  );
}
