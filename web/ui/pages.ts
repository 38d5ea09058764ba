// Every page: its path, its place in the navigation, and who may see it. A new page is a row here and a file under pages/.

import type { ComponentType } from "preact";
import type { Page } from "./page";
import { AccountPage, ContactPage } from "./pages/detail";
import { EditAccount, EditContact } from "./pages/edit";
import { Gallery } from "./pages/gallery";
import { ImportAccounts, ImportContacts } from "./pages/import";
import { Imports } from "./pages/imports";
import { lazy } from "./pages/lazy";
import { Link } from "./pages/link";
import { MergeAccount, MergeContact } from "./pages/merge";
import { Merges } from "./pages/merges";
import { Overview } from "./pages/overview";
import { Accounts, Contacts } from "./pages/records";
import { settings } from "./pages/settings/pages";
import { SignalPage } from "./pages/signal";
import { Signals } from "./pages/signals";
import { SignIn } from "./pages/signin";
import type * as AudiencePages from "./pages/audiences/all";
import type * as TypePages from "./pages/types/all";

const typePage = (name: keyof typeof TypePages) => lazy(() => import("./pages/types/all").then((all) => all[name] as ComponentType<object>));
const audiencePage = (name: keyof typeof AudiencePages) => lazy(() => import("./pages/audiences/all").then((all) => all[name] as ComponentType<object>));

export const pages: Page[] = [
  { path: "/sign-in", title: "Sign in", view: SignIn, open: true },
  { path: "/link/:token", title: "Your link", view: Link, open: true },
  { path: "/gallery", title: "Gallery", view: Gallery, open: true },
  { path: "/", title: "Overview", view: Overview, nav: { group: "", icon: "overview", key: "o" } },
  { path: "/signals", title: "Signals", view: Signals, nav: { group: "", icon: "signals", key: "s" } },
  { path: "/signals/types", title: "Signal types", view: typePage("Types") },
  { path: "/signals/types/new", title: "Custom signal", view: typePage("NewType"), need: "write" },
  { path: "/signals/types/:id", title: "Signal type", view: typePage("TypePage") },
  { path: "/signals/types/:id/edit", title: "Edit signal type", view: typePage("EditType"), need: "write" },
  { path: "/signals/:id", title: "Signal", view: SignalPage },
  { path: "/leads", title: "Leads", view: audiencePage("Leads"), nav: { group: "", icon: "leads", key: "d" } },
  { path: "/accounts", title: "Accounts", view: Accounts, nav: { group: "", icon: "accounts", key: "a" } },
  { path: "/accounts/import", title: "Import accounts", view: ImportAccounts, need: "write" },
  { path: "/accounts/:id", title: "Account", view: AccountPage },
  { path: "/accounts/:id/edit", title: "Edit account", view: EditAccount, need: "write" },
  { path: "/accounts/:id/merge", title: "Merge accounts", view: MergeAccount, need: "write" },
  { path: "/contacts", title: "Contacts", view: Contacts, nav: { group: "", icon: "contacts", key: "c" } },
  { path: "/contacts/import", title: "Import contacts", view: ImportContacts, need: "write" },
  { path: "/contacts/:id", title: "Contact", view: ContactPage },
  { path: "/contacts/:id/edit", title: "Edit contact", view: EditContact, need: "write" },
  { path: "/contacts/:id/merge", title: "Merge contacts", view: MergeContact, need: "write" },
  { path: "/audiences", title: "Audiences", view: audiencePage("Audiences"), nav: { group: "", icon: "audiences", key: "u" } },
  { path: "/audiences/new", title: "New audience", view: audiencePage("NewAudience"), need: "write" },
  { path: "/audiences/:id", title: "Audience", view: audiencePage("AudiencePage") },
  { path: "/audiences/:id/edit", title: "Edit audience", view: audiencePage("EditAudience"), need: "write" },
  { path: "/merges", title: "Merges", view: Merges },
  { path: "/imports", title: "Imports", view: Imports },
  ...settings,
];
