/** A labelled progress bar; `fraction` null shows a bar without a number. */
import { html, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";

export function progress(label: string, fraction: number | null, test = "progress"): TemplateResult {
  const percent = fraction === null ? null : Math.round(Math.min(1, Math.max(0, fraction)) * 100);
  return html`<div class="progress" role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax="100"
    aria-valuenow=${percent ?? 0} aria-valuetext=${percent === null ? "waiting" : `${percent} %`} data-test=${test}>
    <span style=${styleMap({ width: `${percent ?? 0}%` })}></span>
  </div>`;
}
