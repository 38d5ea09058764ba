import { useSignal } from "@preact/signals";
import { Button } from "./button";

/** copyText puts text on the clipboard, also where the page is not served securely. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = document.createElement("textarea");
    box.value = text;
    box.className = "unseen";
    (document.querySelector("dialog[open]") ?? document.body).append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }
}

/** CopyButton copies, and says so. */
export function CopyButton({ text, label = "Copy", words }: { text: string; label?: string; words?: string }) {
  const done = useSignal<"" | "yes" | "no">("");
  const copy = async () => {
    done.value = (await copyText(text)) ? "yes" : "no";
    setTimeout(() => void (done.value = ""), 2_000);
  };
  const says = done.value === "yes" ? "Copied" : done.value === "no" ? "Select it and copy by hand" : label;
  return (
    <span class="copy">
      <Button look={words === undefined ? "quiet" : "plain"} small icon={done.value === "yes" ? "check" : "copy"} label={says} onClick={() => void copy()}>
        {words === undefined ? undefined : done.value === "" ? words : says}
      </Button>
      <span class="unseen" role="status">
        {done.value === "" ? "" : says}
      </span>
    </span>
  );
}

/** Id shows an id that can be copied. */
export function Id({ of }: { of: string }) {
  return (
    <span class="id">
      <code>{of}</code>
      <CopyButton text={of} label={"Copy " + of} />
    </span>
  );
}

/** SecretOnce shows what will never be shown again. */
export function SecretOnce({ secret, what }: { secret: string; what: string }) {
  return (
    <div class="secret">
      <p>
        <strong>Copy the {what} now.</strong> It is shown this once and cannot be read again.
      </p>
      <div class="secret-row">
        <code tabIndex={0} aria-label={what}>
          {secret}
        </code>
        <CopyButton text={secret} label={"Copy the " + what} words="Copy" />
      </div>
    </div>
  );
}
