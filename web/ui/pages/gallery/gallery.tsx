// The gallery: every component, and every page in each of its states, with canned data. Served under --dev only. A page's state has an
// address of its own, /gallery?page=signals&state=empty, so that a test can walk all of them.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Card, Frame, PageHead, param, session } from "../../kit";
import { components } from "./components";
import { session as canned } from "./data";
import { states } from "./states";

export function GalleryPage() {
  useEffect(() => {
    if (!session.peek()) session.value = canned; // the frame shows who is signed in
  }, []);
  const page = param("page");
  const shown = states.find((p) => p.page === page)?.states[param("state")];
  if (shown) return <Shown door={page === "sign-in" || page === "link"}>{shown()}</Shown>;
  return (
    <Frame entries={[{ path: "/gallery", title: "Gallery", icon: "docs", group: "" }]}>
      <PageHead title="Gallery">Every component, and every page in each of its states.</PageHead>
      <Card title="Pages">
        <dl class="facts">
          {states.map((p) => (
            <div key={p.page}>
              <dt>{p.page}</dt>
              <dd class="row">
                {Object.keys(p.states).map((s) => (
                  <a key={s} data-state={s} href={`/gallery?page=${p.page}&state=${s}`}>
                    {s}
                  </a>
                ))}
              </dd>
            </div>
          ))}
        </dl>
      </Card>
      {components.map((c) => (
        <Card key={c.name} title={c.name}>
          <c.show />
        </Card>
      ))}
    </Frame>
  );
}

function Shown({ door, children }: { door: boolean; children: ComponentChildren }) {
  if (door) return <>{children}</>;
  return (
    <Frame
      entries={[
        { path: "/gallery", title: "Gallery", icon: "docs", group: "" },
        { path: "/gallery/signals", title: "Signals", icon: "signals", group: "" },
      ]}
    >
      {children}
    </Frame>
  );
}

