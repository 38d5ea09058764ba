import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons";

type Look = "primary" | "plain" | "quiet" | "danger";

type Props = {
  children?: ComponentChildren;
  look?: Look;
  icon?: IconName;
  /** What it does, where there is an icon alone. */
  label?: string;
  type?: "button" | "submit";
  busy?: boolean;
  disabled?: boolean;
  small?: boolean;
  onClick?: (e: MouseEvent) => void;
};

/** Button does something. While busy it keeps its width and takes no further press. */
export function Button({ children, look = "plain", icon, label, type = "button", busy, disabled, small, onClick }: Props) {
  const bare = children === undefined;
  return (
    <button
      type={type}
      class={`button ${look}${small ? " small" : ""}${bare ? " bare" : ""}${busy ? " busy" : ""}`}
      aria-label={label}
      title={bare ? label : undefined}
      aria-busy={busy}
      disabled={disabled}
      onClick={busy ? (e) => e.preventDefault() : onClick}
    >
      {icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}

/** LinkButton goes somewhere and looks like a button. */
export function LinkButton({ href, children, look = "plain", icon, small, native }: { href: string; children: ComponentChildren; look?: Look; icon?: IconName; small?: boolean; native?: boolean }) {
  return (
    <a href={href} class={`button ${look}${small ? " small" : ""}`} data-native={native ? "" : undefined}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </a>
  );
}
