import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";

/** lazy makes a page of one whose code is fetched when it is first shown. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  return function Lazy(props: P) {
    const view = useSignal<{ of: ComponentType<P> } | null>(null);
    useEffect(() => void load().then((of) => void (view.value = { of })), []);
    const View = view.value?.of;
    return View ? <View {...props} /> : null;
  };
}
