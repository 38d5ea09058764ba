// Every page: its path, its place in the navigation, and who may see it. A new page is a row here and a file under pages/.

import type { Page } from "./page";
import { Gallery } from "./pages/gallery";
import { Link } from "./pages/link";
import { Overview } from "./pages/overview";
import { settings } from "./pages/settings/pages";
import { SignIn } from "./pages/signin";

export const pages: Page[] = [
  { path: "/sign-in", title: "Sign in", view: SignIn, open: true },
  { path: "/link/:token", title: "Your link", view: Link, open: true },
  { path: "/gallery", title: "Gallery", view: Gallery, open: true },
  { path: "/", title: "Overview", view: Overview, nav: { group: "", icon: "overview", key: "o" } },
  ...settings,
];
