/** The details of one video: reading them from the form and saying beside each field what is wrong. */
import { html, nothing, type TemplateResult } from "lit";
import type { VideoFields, Visibility } from "../model.ts";
import { parseAmount, plainAmount } from "../money.ts";

export type Errors = Partial<Record<keyof VideoFields, string>>;

export const titleOf = (filename: string) =>
  filename
    .replace(/\.[^.]+$/, "")
    .replace(/[_.]+/g, " ")
    .trim() || filename;

/** The details, or what is wrong with them. */
export function readFields(form: HTMLFormElement, currency: string): VideoFields | Errors {
  const data = new FormData(form);
  const text = (name: string) => String(data.get(name) ?? "").trim();
  const price = parseAmount(text("price_per_minute") || "0", currency);
  const errors: Errors = {};
  if (!text("title")) errors.title = "A video needs a title.";
  if (price === null) errors.price_per_minute = `Write a price such as ${plainAmount(5, currency)}.`;
  if (Object.keys(errors).length > 0) return errors;
  return {
    title: text("title"),
    description: text("description"),
    category: text("category"),
    price_per_minute: price ?? 0,
    visibility: text("visibility") as Visibility,
  };
}

export const isComplete = (read: VideoFields | Errors): read is VideoFields => "visibility" in read;

interface Shown {
  /** Makes ids unique on a page with several files. */
  key: string;
  values: Partial<Record<keyof VideoFields, string>>;
  errors: Errors;
  currency: string;
  categories: string[];
}

export function fieldset(shown: Shown): TemplateResult {
  const { key, values, currency, categories } = shown;
  return html`<div class="fields">
    <div class="field wide">
      <label for="title-${key}">Title</label>
      <input id="title-${key}" name="title" maxlength="255" required data-test="upload-title" .value=${values.title ?? ""}
        aria-invalid=${shown.errors.title ? "true" : nothing} aria-describedby="title-error-${key}" />
      <span class="field-error" id="title-error-${key}" role="alert">${shown.errors.title ?? ""}</span>
    </div>
    <div class="field wide">
      <label for="description-${key}">Description</label>
      <textarea id="description-${key}" name="description" maxlength="5000" data-test="upload-description"
        .value=${values.description ?? ""}></textarea>
    </div>
    <div class="field">
      <label for="category-${key}">Category</label>
      <input id="category-${key}" name="category" maxlength="100" list="categories-${key}" data-test="upload-category"
        .value=${values.category ?? ""} />
      <datalist id="categories-${key}">${categories.map((c) => html`<option value=${c}></option>`)}</datalist>
    </div>
    <div class="field">
      <label for="price-${key}">Price per minute (${currency})</label>
      <input id="price-${key}" name="price_per_minute" inputmode="decimal" autocomplete="off" data-test="upload-price"
        .value=${values.price_per_minute ?? plainAmount(0, currency)} aria-describedby="price-note-${key}"
        aria-invalid=${shown.errors.price_per_minute ? "true" : nothing} />
      <span class=${shown.errors.price_per_minute ? "field-error" : "hint"} id="price-note-${key}">
        ${shown.errors.price_per_minute ?? "0 makes it free to watch."}</span>
    </div>
    <div class="field">
      <label for="visibility-${key}">Who can see it</label>
      <select id="visibility-${key}" name="visibility" data-test="upload-visibility">
        <option value="public">Everybody</option>
        <option value="unlisted">People with the link</option>
        <option value="private">Only me</option>
      </select>
    </div>
  </div>`;
}
