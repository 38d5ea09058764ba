import { useEffect, useRef } from "preact/hooks";

/** useEvery looks again each second while something goes on and the page is seen. */
export function useEvery(going: boolean, look: () => void): void {
  const then = useRef(look);
  then.current = look;
  useEffect(() => {
    if (!going) return;
    const timer = setInterval(() => void (document.hidden || then.current()), 1_000);
    return () => clearInterval(timer);
  }, [going]);
}
