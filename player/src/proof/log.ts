/** The bookings of a session with their stretches of the delivery logs, and the checksums of those logs. */
import { html, nothing, type TemplateResult } from "lit";
import type { Journal, LogFile, Proof, Stretch } from "../accounts.ts";
import { formatFull } from "../money.ts";
import { formatUtc } from "../time.ts";

const CAUSES: Record<string, string> = { end: "the session's end", claim: "a service's word" };
const REASONS = {
  not_closed: "still being written",
  not_here: "kept on another machine, or deleted after its time",
  damaged: "its note cannot be read",
};
const SHOWN = 50;

/** "origin 3, bytes 20480 to 40960" */
export function place({ edge, from_generation, from_byte, to_generation, to_byte }: Stretch): string {
  const other = to_generation === from_generation ? "" : `${edge} ${to_generation}, byte `;
  return `${edge} ${from_generation}, ${other ? "byte" : "bytes"} ${from_byte} to ${other}${to_byte}`;
}

export function bookings({ journals, currency, truncated }: Proof): TemplateResult {
  if (journals.length === 0) return html`<p>Nothing was booked for this session.</p>`;
  return html`<details ?open=${journals.length <= 8}><summary>${journals.length}${truncated ? "+" : ""} bookings</summary>
    <table class="cards" role="table" data-test="bookings"><caption class="hidden-visually">Bookings</caption>
      <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Booked (UTC)</th><th role="columnheader" scope="col">Because of</th>
        <th role="columnheader" scope="col" class="end">Amount</th></tr></thead>
      <tbody role="rowgroup">${journals.slice(0, SHOWN).map((journal) => booking(journal, currency))}</tbody></table>
    ${journals.length > SHOWN ? html`<p class="small soft">The first ${SHOWN} are shown; the JSON answer has the others.</p>` : nothing}
  </details>`;
}

function booking(journal: Journal, currency: string): TemplateResult {
  const because = journal.stretches.map(place).join("; ") || (CAUSES[journal.cause] ?? journal.cause);
  return html`<tr role="row"><td role="cell" data-label="Booked (UTC)">${formatUtc(journal.booked_at)}</td>
    <td role="cell" data-label="Because of">${because}</td>
    <td role="cell" data-label="Amount" class="end number">${formatFull(journal.amount_micros, currency)}</td></tr>`;
}

export function files(log: LogFile[]): TemplateResult | typeof nothing {
  if (log.length === 0) return nothing;
  return html`<h3>Log files</h3><ul class="lines" data-test="log-files">${log.map(
    (file) =>
      html`<li>${file.edge} ${file.generation}: ${
        file.sha256
          ? html`<code>${file.sha256}</code>`
          : `no checksum, ${file.reason ? REASONS[file.reason] : "unknown"}`
      }</li>`,
  )}</ul>`;
}
