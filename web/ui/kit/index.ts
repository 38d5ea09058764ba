// The kit: everything that a page is built of. docs/dashboard.md says how to add a page; /gallery (under --dev) shows each component.

export * from "./api";
export * from "./badge";
export * from "./button";
export * from "./choice";
export * from "./copy";
export * from "./dialog";
export * from "./diff";
export * from "./field";
export * from "./filter";
export * from "./icons";
export * from "./json";
export * from "./keys";
export * from "./layout";
export * from "./live";
export * from "./load";
export * from "./menu";
export * from "./plot";
export { match, navigate, param, params, place, setParams, useUnsaved } from "./router";
export * from "./session";
export * from "./states";
export * from "./switch";
export * from "./table";
export * from "./tabs";
export * from "./theme";
export * from "./time";
export * from "./toast";
