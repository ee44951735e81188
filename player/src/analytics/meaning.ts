/** How far the figures go, whether they may still change, and what each of them means. */
import { html, nothing, type TemplateResult } from "lit";
import type { Frame, Numbers } from "../figures.ts";
import { formatWhen } from "../time.ts";

export function standing(found: Numbers): TemplateResult {
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: found.tz });
  const before = day.formatRange(new Date(found.previous.from), new Date(Date.parse(found.previous.to) - 1));
  return html`<p class="small soft row" data-test="standing">
    <span class="badge" data-kind=${found.provisional ? "warn" : "good"} data-test="provisional">${found.provisional ? "provisional" : "final"}</span>
    <span>${found.provisional ? "Figures of the last 24 hours may still change; they are dashed." : "These figures will not change any more."}
      Compared with ${before}. As of ${formatWhen(found.as_of)}${found.read_through ? `, with everything watched until ${formatWhen(found.read_through)}` : ""}.</span>
  </p>`;
}

export function meaning(found: Frame): TemplateResult | typeof nothing {
  const terms = Object.entries(found.definitions);
  if (terms.length === 0) return nothing;
  return html`<details class="panel" data-test="definitions"><summary><strong>What these figures mean</strong></summary>
    <dl class="definitions">${terms.map(([name, text]) => html`<div><dt>${said(name)}</dt><dd>${text}</dd></div>`)}</dl></details>`;
}

function said(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
