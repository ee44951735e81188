/** Turning pages of a long list. */
import { html, nothing, type TemplateResult } from "lit";
import type { Page } from "../model.ts";

export function pages(found: Page<unknown>, turn: (page: number) => void): TemplateResult | typeof nothing {
  const { page, per_page, total } = found;
  const last = Math.ceil(total / per_page);
  if (last <= 1) return nothing;
  return html`<nav class="row" aria-label="Pages">
    <button class="button" type="button" data-test="page-previous" ?disabled=${page <= 1} @click=${() => turn(page - 1)}>Previous</button>
    <span class="number" data-test="page">Page ${page} of ${last}</span>
    <button class="button" type="button" data-test="page-next" ?disabled=${page >= last} @click=${() => turn(page + 1)}>Next</button>
  </nav>`;
}
