import type { ComponentType } from "preact";
import type { IconName } from "./kit";
import type { Power } from "./types";

/** Page is one row of the table of pages. */
export type Page = {
  /** /signals/:id gives the view a prop `id`. The first row that fits wins. */
  path: string;
  title: string;
  /** The view takes what the path's pattern finds as props of the same names. */
  view: ComponentType<any>;
  /** Shown without being signed in. */
  open?: boolean;
  /** Without this power the page says so, and the navigation leaves it out. */
  need?: Power;
  nav?: { group: "" | "Settings" | "API & Webhooks"; icon: IconName; key?: string };
};
