import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Job } from "../../api-types";
import { api } from "../../kit";

/** useJob follows a job until it has ended, and tells once when it has. */
export function useJob(id: string, first: Job | undefined, ended: (j: Job) => void): Job | undefined {
  const now = useSignal(first);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const look = () =>
      void api
        .get<Job>("/v1/jobs/" + id, stop.signal)
        .then(
          (j) => {
            now.value = j;
            if (j.ended_at !== null) ended(j);
            return j.ended_at !== null;
          },
          () => false, // the next look may find the server again
        )
        .then((over) => void (over || stop.signal.aborted || (timer = setTimeout(look, 1000))));
    look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id]);
  return now.value;
}
