// The pages under Settings in each of their states, for the gallery.

import type { PageStates } from "../gallery/answers";

export const settingsStates: PageStates[] = [];
