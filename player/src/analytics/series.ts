/** A series of buckets as a line, dashed where it may still change, and as a table. */
import { html, type TemplateResult } from "lit";
import type { Bucket, FigureName, Numbers } from "../figures.ts";
import type { ChartData, Line } from "./chart.ts";
import { bucketName } from "./period.ts";
import { formatAxis, formatFigure, LABELS } from "./words.ts";

/** The final part of the line, and the open part, which begins where the final one ends so that they touch. */
export function lines(series: Bucket[], figure: FigureName): Line[] {
  const label = LABELS[figure];
  const open = series.findIndex((bucket) => bucket.provisional);
  const values = series.map((bucket) => bucket[figure]);
  if (open < 0) return [{ label, kind: "main", values }];
  const settled = values.map((value, index) => (index < open ? value : null));
  const unsettled = values.map((value, index) => (index >= open - 1 ? value : null));
  return [
    { label, kind: "main", values: settled },
    { label, kind: "open", values: unsettled },
  ];
}

export function chartOf(found: Numbers, figure: FigureName): ChartData {
  const { series, interval, tz, currency } = found;
  const start = (index: number) => series[index]?.start ?? found.from;
  return {
    lines: lines(series, figure),
    name: (index) => bucketName(start(index), interval, tz),
    tick: (index) => (index < series.length ? tick(start(index), interval, tz, series.length) : ""),
    value: (amount) => formatFigure(figure, amount, currency),
    axis: (amount) => formatAxis(figure, amount, currency),
  };
}

/** Hours of one day by the clock, of several days by the day. */
function tick(start: string, interval: string, tz: string, count: number): string {
  const clock = interval === "minute" || (interval === "hour" && count <= 30);
  const fields: Intl.DateTimeFormatOptions = clock
    ? { hour: "2-digit", minute: "2-digit" }
    : interval === "month"
      ? { month: "short", year: "2-digit" }
      : { day: "numeric", month: "short" };
  return new Intl.DateTimeFormat(undefined, { ...fields, timeZone: tz }).format(new Date(start));
}

const COLUMNS: FigureName[] = ["views", "unique_viewers", "watch_time_ms", "revenue_micros", "peak_viewers"];

/** Newest first, as people read tables; every bucket is there. */
export function seriesTable(found: Numbers): TemplateResult {
  const cell = (bucket: Bucket, figure: FigureName) =>
    html`<td class="number end">${formatFigure(figure, bucket[figure], found.currency)}</td>`;
  return html`<details class="series" data-test="series">
    <summary>The same as a table</summary>
    <div class="series-rows" role="region" aria-label="Figures by ${found.interval}" tabindex="0"><table class="dense">
      <thead><tr><th scope="col">${found.interval}</th>
        ${COLUMNS.map((figure) => html`<th scope="col" class="end">${LABELS[figure]}</th>`)}</tr></thead>
      <tbody>${found.series.toReversed().map(
        (bucket) => html`<tr data-start=${bucket.start}>
          <th scope="row" class="nowrap">${bucketName(bucket.start, found.interval, found.tz)}${bucket.provisional ? html` <span class="badge" data-kind="warn">open</span>` : ""}</th>
          ${COLUMNS.map((figure) => cell(bucket, figure))}</tr>`,
      )}</tbody>
    </table></div>
  </details>`;
}
