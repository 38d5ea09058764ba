// Light, dark, or as the system is. The choice stays in this browser.

import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
const slot = "signalbox.theme";

function stored(): Theme {
  try {
    const v = localStorage.getItem(slot);
    return v === "light" || v === "dark" ? v : "system";
  } catch {
    return "system";
  }
}

/** theme is the choice. */
export const theme = signal<Theme>(stored());

/** setTheme chooses. */
export function setTheme(t: Theme): void {
  theme.value = t;
  if (t === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = t;
  try {
    if (t === "system") localStorage.removeItem(slot);
    else localStorage.setItem(slot, t);
  } catch {
    // It holds for as long as the page is open.
  }
}
