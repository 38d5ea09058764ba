// The pages under Settings, in the order of the navigation.

import type { Page } from "../../page";

export const settings: Page[] = [];
