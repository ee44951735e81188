/** The figures one sees first, each with what became of it; pressing one shows it in the chart. */
import { html, type TemplateResult } from "lit";
import type { FigureName, Numbers } from "../figures.ts";
import { change, formatFigure, formatTile, LABELS } from "./words.ts";

export const TILES: FigureName[] = [
  "views",
  "unique_viewers",
  "watch_time_ms",
  "revenue_micros",
  "average_view_duration_ms",
  "completion_rate",
  "peak_viewers",
  "starts",
];

const MARKS = { up: "▲", down: "▼", same: "" };

export function tiles(found: Numbers, chosen: FigureName, choose: (figure: FigureName) => void): TemplateResult {
  const { totals, previous, currency } = found;
  const tile = (figure: FigureName) => {
    const { text, kind } = change(figure, totals[figure], previous[figure]);
    const before = formatFigure(figure, previous[figure], currency);
    return html`<button class="tile" type="button" aria-pressed=${figure === chosen} data-test="tile-${figure}"
      data-value=${totals[figure]} @click=${() => choose(figure)}>
      <span class="tile-label">${LABELS[figure]}</span>
      <span class="tile-value number">${formatTile(figure, totals[figure], currency)}</span>
      <span class="tile-change small" data-kind=${kind}><span aria-hidden="true">${MARKS[kind]}</span> ${text}
        <span class="hidden-visually">since the period before, ${before}</span></span>
    </button>`;
  };
  return html`<div class="tiles" role="group" aria-label="Figures of the period">${TILES.map(tile)}</div>`;
}
