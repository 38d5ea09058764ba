// Every page in each of its states: empty, loading, error, full. A page that is missing here is missing from the tests of accessibility.

import type { ComponentChild } from "preact";
import { ApiError, type Loaded, type Paged } from "../../kit";
import { Accept } from "../link";
import { Choices } from "../signin";
import { Door } from "../door";
import { ago } from "./data";

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

export const states: PageStates[] = [
  {
    page: "sign-in",
    states: {
      password: () => <Door title="Sign in"><Choices ways={{ password: true, oidc: null, insecure: false }} /></Door>,
      both: () => <Door title="Sign in"><Choices ways={{ password: true, oidc: { label: "Continue with Okta", url: "/v1/sign-in/oidc" }, insecure: true }} /></Door>,
      single: () => <Door title="Sign in"><Choices ways={{ password: false, oidc: { label: "Continue with Okta", url: "/v1/sign-in/oidc" }, insecure: false }} /></Door>,
    },
  },
  {
    page: "link",
    states: {
      invite: () => <Accept token="t" link={{ kind: "invite", email: "grace@example.com", name: null, expires_at: ago(-86400 * 3) }} />,
      reset: () => <Accept token="t" link={{ kind: "reset", email: "grace@example.com", name: "Grace", expires_at: ago(-3600) }} />,
    },
  },
];
