import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Mark } from "../kit";

/** Door frames the pages that are shown before somebody is signed in. */
export function Door({ title, lead, children }: { title: string; lead?: ComponentChildren; children: ComponentChildren }) {
  useEffect(() => {
    document.title = title + " · Signalbox";
  }, [title]);
  return (
    <main class="door" id="main">
      <div class="door-box">
        <p class="brand">
          <Mark /> Signalbox
        </p>
        <h1>{title}</h1>
        {lead && <p class="lead">{lead}</p>}
        {children}
      </div>
    </main>
  );
}
