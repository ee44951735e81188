/** How playback went for those who watched, as told by players and the log. */
import { html, nothing, type TemplateResult } from "lit";
import type { Quality } from "../figures.ts";
import { formatNumber } from "./words.ts";

type Name = keyof Quality;

const ROWS: [string, Name, (value: number) => string][] = [
  ["First picture for half within", "startup_ms_p50", seconds],
  ["First picture for 95 % within", "startup_ms_p95", seconds],
  ["Never began", "start_failure_rate", percent],
  ["Time spent waiting", "rebuffer_ratio", percent],
  ["Failed segments per hour", "errors_per_hour", (value) => formatNumber(value, 2)],
  ["Picture delivered", "bitrate_kbps", megabits],
  ["Connection", "throughput_kbps", megabits],
];

export function quality(now: Quality | undefined, before: Quality | undefined): TemplateResult | typeof nothing {
  if (!now) return nothing;
  const said = (value: number | null | undefined, words: (value: number) => string) =>
    value === null || value === undefined ? "–" : words(value);
  return html`<section class="panel stack breakdowns-wide" aria-labelledby="quality" data-test="quality">
    <h2 id="quality">How it played</h2>
    <dl class="qualities">${ROWS.map(
      ([
        label,
        name,
        words,
      ]) => html`<div><dt>${label}</dt><dd class="number" data-test="quality-${name}">${said(now[name], words)}</dd>
        ${before ? html`<dd class="small soft number">before: ${said(before[name], words)}</dd>` : nothing}</div>`,
    )}</dl>
    <p class="small soft">${formatNumber(now.playbacks)} playbacks told how they went, with ${formatNumber(now.stalls)} stalls.
      Nobody is charged by any of this.</p>
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
