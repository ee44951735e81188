/** A table that becomes a list of cards on a phone. */
import { html, type TemplateResult } from "lit";

export function table(
  caption: string,
  heads: string[],
  rows: (string | TemplateResult)[][],
  test: string,
): TemplateResult {
  return html`<table class="cards breaks" role="table" data-test=${test}><caption class="hidden-visually">${caption}</caption>
    <thead role="rowgroup"><tr role="row">${heads.map((head) => html`<th role="columnheader" scope="col">${head}</th>`)}</tr></thead>
    <tbody role="rowgroup">${rows.map(
      (row) =>
        html`<tr role="row">${row.map((cell, n) => html`<td role="cell" data-label=${heads[n] ?? ""}>${cell}</td>`)}</tr>`,
    )}</tbody></table>`;
}
