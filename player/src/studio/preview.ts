/** How much of the film's beginning is free for everybody, in seconds. Fires `changed`. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";
import type { Video } from "../model.ts";
import { Problem } from "../problem.ts";
import { speakDuration } from "../time.ts";

const MOST_S = 3600;

@customElement("s-preview")
export class Preview extends LightElement {
  @property({ attribute: false }) video!: Video;
  @state() private fieldError = "";
  @state() private message: TemplateResult | typeof nothing = nothing;
  @state() private busy = false;

  override render(): TemplateResult {
    const { preview_ms = 0, price_per_minute } = this.video;
    const free = price_per_minute === 0 ? " This video is free anyway." : "";
    return html`<form class="stack stack-small" novalidate aria-labelledby="preview-title" data-test="preview" @submit=${this.submit}>
      <h3 id="preview-title">Free preview</h3>
      <p class="small soft">${preview_ms ? `The first ${speakDuration(preview_ms)} are free for everybody.` : "Nothing of it is free."}${free}
        A change counts for who begins to watch after it.</p>
      <div class="field"><label for="preview-seconds">Free seconds at the beginning</label>
        <input id="preview-seconds" inputmode="numeric" autocomplete="off" data-test="preview-seconds" aria-describedby="preview-error"
          aria-invalid=${this.fieldError ? "true" : nothing} .value=${String(Math.floor(preview_ms / 1000))} />
        <span class="field-error" id="preview-error" role="alert">${this.fieldError}</span></div>
      <div><button class="button" data-test="preview-submit" ?disabled=${this.busy}>Keep this preview</button></div>
      ${this.message}
    </form>`;
  }

  private readonly submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const typed = this.querySelector<HTMLInputElement>("#preview-seconds")?.value.trim() || "0";
    const seconds = /^\d{1,4}$/.test(typed) ? Number(typed) : Number.NaN;
    this.message = nothing;
    this.fieldError = seconds <= MOST_S ? "" : `Write a number of seconds from 0 to ${MOST_S}.`;
    if (this.fieldError || this.busy) return;
    this.busy = true;
    try {
      this.video = await api.changeVideo(this.video.id, { preview_ms: seconds * 1000 });
      this.message = notice("good", "The preview is kept.", "preview-done");
      this.dispatchEvent(new Event("changed"));
    } catch (error) {
      this.message = notice("bad", Problem.of(error).message, "preview-failed");
    } finally {
      this.busy = false;
    }
  };
}
