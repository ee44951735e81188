/** The few pictures of the pages, drawn here; decoration only, so hidden from screen readers. */
import { html, type SVGTemplateResult, svg, type TemplateResult } from "lit";

const icon = (paths: SVGTemplateResult, size: number): TemplateResult => html`
  <svg width=${size} height=${size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${paths}</svg>`;

export const brandIcon = icon(
  svg`<path d="M3 6.5c3-2.5 6 2.5 9 0s6 2.5 9 0"/><path d="M3 12c3-2.5 6 2.5 9 0s6 2.5 9 0"/><path d="M3 17.5c3-2.5 6 2.5 9 0s6 2.5 9 0"/>`,
  26,
);
export const playIcon = icon(svg`<path d="M8 5.5v13l10.5-6.5z" fill="currentColor"/>`, 34);
export const videoIcon = icon(
  svg`<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m10 9.5 4.5 2.5-4.5 2.5z"/>`,
  40,
);
export const uploadIcon = icon(
  svg`<path d="M12 16V5m-4.5 4L12 4.5 16.5 9"/><path d="M4 15v3.5A1.5 1.5 0 0 0 5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V15"/>`,
  36,
);
