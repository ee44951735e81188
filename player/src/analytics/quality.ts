/** How playback went for those who watched. Told by players and the log; nobody is charged by it. */
import { html, nothing, type TemplateResult } from "lit";
import type { Quality } from "../figures.ts";
import { formatNumber } from "./words.ts";

type Name = keyof Quality;

const ROWS: [string, Name, (value: number) => string][] = [
  ["First picture, half of all within", "startup_ms_p50", seconds],
  ["First picture, 95 of 100 within", "startup_ms_p95", seconds],
  ["Playback that never began", "start_failure_rate", percent],
  ["Time spent waiting", "rebuffer_ratio", percent],
  ["Segments that failed", "error_rate", percent],
  ["Picture delivered", "bitrate_kbps", megabits],
  ["Connection", "throughput_kbps", megabits],
];

export function quality(now: Quality | undefined, before: Quality | undefined): TemplateResult | typeof nothing {
  if (!now) return nothing;
  const row = ([label, name, words]: (typeof ROWS)[number]) => {
    const [value, was] = [now[name], before?.[name]];
    return html`<tr><th scope="row">${label}</th>
      <td class="number end">${value === null || value === undefined ? "–" : words(value)}</td>
      ${before ? html`<td class="number end soft">${was === null || was === undefined ? "–" : words(was)}</td>` : nothing}</tr>`;
  };
  return html`<section class="panel stack" aria-labelledby="quality" data-test="quality">
    <h2 id="quality">How it played</h2>
    <table class="dense"><thead><tr><th scope="col"><span class="hidden-visually">Figure</span></th>
      <th scope="col" class="end">Now</th>${before ? html`<th scope="col" class="end">Before</th>` : nothing}</tr></thead>
      <tbody>${ROWS.map(row)}</tbody></table>
    <p class="small soft">${formatNumber(now.playbacks)} playbacks told how they went, with ${formatNumber(now.stalls)} stalls.</p>
  </section>`;
}

function seconds(ms: number): string {
  return `${formatNumber(ms / 1000, 2)} s`;
}

function percent(value: number): string {
  return `${formatNumber(value, 2)} %`;
}

function megabits(kbps: number): string {
  return `${formatNumber(kbps / 1000, 1)} Mbit/s`;
}
