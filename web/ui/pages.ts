// Every page: its path, its place in the navigation, and who may see it. A new page is a row here and a file under pages/.

import type { ComponentType } from "preact";
import type { IconName } from "./kit";
import type { Power } from "./types";
import { Gallery } from "./pages/gallery";
import { Link } from "./pages/link";
import { Overview } from "./pages/overview";
import { SignIn } from "./pages/signin";

export type Page = {
  /** /signals/:id gives the view a prop `id`. The first row that fits wins. */
  path: string;
  title: string;
  // The view takes what the path's pattern finds as props of the same names.
  view: ComponentType<any>;
  /** Shown without being signed in. */
  open?: boolean;
  /** Without this power the page says so, and the navigation leaves it out. */
  need?: Power;
  nav?: { group: "" | "Settings"; icon: IconName; key?: string };
};

export const pages: Page[] = [
  { path: "/sign-in", title: "Sign in", view: SignIn, open: true },
  { path: "/link/:token", title: "Your link", view: Link, open: true },
  { path: "/gallery", title: "Gallery", view: Gallery, open: true },
  { path: "/", title: "Overview", view: Overview, nav: { group: "", icon: "overview", key: "o" } },
];
