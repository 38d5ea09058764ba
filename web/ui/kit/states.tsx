// What a page shows while it has nothing to show: loading, nothing there, an error. Each has words that help.

import type { ComponentChildren } from "preact";
import type { ApiError } from "./api";
import { Button } from "./button";
import { Icon, type IconName } from "./icons";

/** EmptyState says why there is nothing and what to do about it. */
export function EmptyState({ icon, title, children, actions }: { icon?: IconName; title: string; children?: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <div class="empty">
      {icon && <Icon name={icon} />}
      <h2>{title}</h2>
      {children && <div class="empty-words">{children}</div>}
      {actions && <div class="row">{actions}</div>}
    </div>
  );
}

/** Skeleton keeps the place of what is being loaded, so that nothing jumps. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Loading" role="status">
      {Array.from({ length: lines }, (_, i) => (
        <i key={i} style={{ width: [92, 78, 85, 64][i % 4] + "%" }} />
      ))}
    </div>
  );
}

/** ErrorState says what went wrong in the API's words and offers to try again. */
export function ErrorState({ error, retry }: { error: ApiError; retry?: () => void }) {
  const title = error.status === 404 ? "There is nothing here" : error.status === 403 ? "Your role does not allow this" : error.status === 0 ? "The server does not answer" : "This did not work";
  return (
    <div class="empty failed" role="alert">
      <Icon name="warn" />
      <h2>{title}</h2>
      <div class="empty-words">
        <p>{error.message}</p>
        {error.requestId !== "" && (
          <p class="request">
            Request <code>{error.requestId}</code>
          </p>
        )}
      </div>
      {retry && error.status !== 404 && error.status !== 403 && (
        <div class="row">
          <Button onClick={retry}>Try again</Button>
        </div>
      )}
    </div>
  );
}

/** Note is a line that explains or warns, in the page. */
export function Note({ tone = "info", children }: { tone?: "info" | "warn" | "bad" | "good"; children: ComponentChildren }) {
  return <div class={"note " + tone}>{children}</div>;
}
