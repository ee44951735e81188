/** Choosing the period, the zone whose days are meant, and the file of it. */
import { html, nothing, type TemplateResult } from "lit";
import { type Days, daysOf, isDay, PRESETS, type Preset, zones } from "./period.ts";

export interface Choice {
  days: Days;
  tz: string;
  busy: boolean;
  choose(days: Days, tz: string): void;
  save(): void;
}

export function choose(choice: Choice): TemplateResult {
  const { days, tz } = choice;
  const preset = (event: Event) => {
    const chosen = (event.target as HTMLSelectElement).value as Preset;
    const next = chosen === "custom" ? { ...days, preset: chosen } : daysOf(chosen, tz, new Date());
    choice.choose(next, tz);
  };
  const typed = (event: Event) => {
    const { name, value } = event.target as HTMLInputElement;
    const next = { ...days, [name]: value };
    if (isDay(next.from) && isDay(next.to) && next.from <= next.to) choice.choose(next, tz);
  };
  return html`<form class="chooser" aria-label="Period" data-test="chooser" @submit=${(event: Event) => event.preventDefault()}>
    <div class="field"><label for="period">Period</label>
      <select id="period" data-test="period" @change=${preset}>${Object.entries(PRESETS).map(
        ([value, label]) => html`<option value=${value} ?selected=${value === days.preset}>${label}</option>`,
      )}</select></div>
    ${
      days.preset === "custom"
        ? html`<div class="field"><label for="from">From</label><input id="from" name="from" type="date" required .value=${days.from} max=${days.to} data-test="from" @change=${typed} /></div>
          <div class="field"><label for="to">To and including</label><input id="to" name="to" type="date" required .value=${days.to} min=${days.from} data-test="to" @change=${typed} /></div>`
        : nothing
    }
    <div class="field"><label for="tz">Days of</label>
      <select id="tz" data-test="tz" @change=${(event: Event) => choice.choose(days, (event.target as HTMLSelectElement).value)}>
        ${zones().map((zone) => html`<option value=${zone} ?selected=${zone === tz}>${zone.replaceAll("_", " ")}</option>`)}
      </select></div>
    <button class="button" type="button" data-test="csv" ?disabled=${choice.busy} @click=${() => choice.save()}>Download as CSV</button>
  </form>`;
}
