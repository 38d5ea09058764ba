// Answers of the API in each state, for views to show.

import type { ComponentChild } from "preact";
import { ApiError, type Loaded, type Paged } from "../../kit";

/** PageStates names a page and shows it in each of its states. */
export type PageStates = { page: string; states: Record<string, () => ComponentChild> };

/** failed is what the API says when it is not well. */
export const failed = new ApiError(503, "overloaded", "Too much is waiting to be stored; try again in a second.", "", "req_01hzzzzzzzzzzzzzzzzzzzzzzz");

/** loaded, loading and broken are answers in each state. */
export const loaded = <T,>(value: T): Loaded<T> => ({ value, error: null, loading: false, reload() {}, set() {} });
export const loading: Loaded<never> = { value: undefined, error: null, loading: true, reload() {}, set() {} };
export const broken: Loaded<never> = { ...loading, error: failed, loading: false };

/** rows, rowsLoading and rowsBroken are lists in each state. */
export const rows = <T,>(list: T[], more = false): Paged<T> => ({ rows: list, error: null, loading: false, page: 0, total: null, next: more ? () => {} : undefined, reload() {}, update() {} });
export const rowsLoading: Paged<never> = { rows: undefined, error: null, loading: true, page: 0, total: null, reload() {}, update() {} };
export const rowsBroken: Paged<never> = { ...rowsLoading, error: failed, loading: false };
