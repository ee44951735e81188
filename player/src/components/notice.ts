/** Messages in the page. Errors interrupt a screen reader, everything else waits for a pause. */
import { html, nothing, type TemplateResult } from "lit";
import { Problem } from "../problem.ts";

export type Kind = "info" | "good" | "warn" | "bad";

export function notice(kind: Kind, content: unknown, test = "notice"): TemplateResult {
  return html`<div class="notice" data-kind=${kind} data-test=${test} role=${kind === "bad" ? "alert" : "status"}>
    <div>${content}</div>
  </div>`;
}

/** A failure with a way to try again. */
export function failure(error: unknown, retry?: () => void, test = "error"): TemplateResult {
  const again = retry ? html`<button class="button" type="button" @click=${retry}>Try again</button>` : nothing;
  return notice("bad", html`<div class="row"><span>${Problem.of(error).message}</span>${again}</div>`, test);
}
