/** The captions of one's own video: one file per language. Fires `changed` when the list did. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";
import type { Captions, Understood, Video } from "../model.ts";
import { Problem } from "../problem.ts";
import { formatBytes } from "../size.ts";
import { guessLanguage, languageName, languageTag, offered } from "./language.ts";

const MOST_BYTES = 2_000_000;

@customElement("s-captions")
export class CaptionsOf extends LightElement {
  @property({ attribute: false }) video!: Video;
  @state() private file: File | null = null;
  @state() private typed = "";
  @state() private busy = false;
  @state() private wrong = "";
  @state() private message: TemplateResult | typeof nothing = nothing;

  override render(): TemplateResult {
    const list = this.video.captions ?? [];
    return html`<section class="stack" aria-labelledby="captions-title">
      <h3 id="captions-title" tabindex="-1">Captions</h3>
      ${
        list.length > 0
          ? html`<ul role="list" class="stack stack-small" data-test="captions-list">${list.map((one) => this.item(one))}</ul>`
          : html`<p class="small soft">None yet. Viewers can switch them on in every language you add.</p>`
      }
      ${this.form()} ${this.message}
    </section>`;
  }

  private item(one: Captions): TemplateResult {
    const name = languageName(one.language);
    return html`<li class="row row-apart" data-test="captions-item" data-language=${one.language}>
      <span>${name}${beside(one, name)}</span>
      <span class="row">
        ${one.url ? html`<a class="small" href=${one.url} download aria-label="Download ${name} captions">Download</a>` : nothing}
        <button class="button" type="button" data-test="captions-delete"
          aria-label="Delete ${name} captions" @click=${() => void this.drop(one)}>Delete</button>
      </span>
    </li>`;
  }

  private form(): TemplateResult {
    const { file, wrong } = this;
    return html`<form class="stack" novalidate @submit=${this.submit}>
      <div class="fields">
        <div class="field">
          <label for="captions-file">File (SRT or WebVTT)</label>
          <input id="captions-file" type="file" accept=".srt,.vtt,text/vtt,application/x-subrip" data-test="captions-file"
            aria-describedby="captions-wrong" @change=${this.choose} />
        </div>
        <div class="field">
          <label for="captions-language">Language</label>
          <input id="captions-language" list="captions-languages" autocomplete="off" placeholder="English, de, pt-BR …"
            data-test="captions-language" .value=${this.typed} @input=${this.type}
            aria-invalid=${wrong ? "true" : nothing} aria-describedby="captions-wrong" />
          <span class="field-error" id="captions-wrong" role="alert" data-test="captions-error">${wrong}</span>
          <datalist id="captions-languages">${offered.map((tag) => html`<option value=${languageName(tag)}></option>`)}</datalist>
        </div>
      </div>
      <label class="check"><input type="checkbox" name="sdh" data-test="captions-sdh" /> They describe sounds and music too</label>
      <div><button class="button" data-test="captions-add" ?disabled=${!file}>${this.label()}</button></div>
    </form>`;
  }

  private label(): string {
    if (this.busy) return "Sending…";
    const tag = languageTag(this.typed);
    const known = (this.video.captions ?? []).some(({ language }) => language.toLowerCase() === tag?.toLowerCase());
    return known && tag ? `Replace ${languageName(tag)} captions` : "Add captions";
  }

  private readonly choose = (event: Event): void => {
    this.file = (event.target as HTMLInputElement).files?.[0] ?? null;
    this.wrong = "";
    this.message = nothing;
    const guess = this.file && guessLanguage(this.file.name);
    if (guess && !this.typed) this.typed = languageName(guess);
  };

  private readonly type = (event: Event): void => {
    this.typed = (event.target as HTMLInputElement).value;
    this.wrong = "";
  };

  private readonly submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { file } = this;
    const tag = languageTag(this.typed);
    if (!file || this.busy) return;
    if (!tag) this.wrong = "Choose a language, or write its code such as “de”.";
    else if (file.size > MOST_BYTES) this.wrong = `Captions may have ${formatBytes(MOST_BYTES)} at most.`;
    else await this.act(async () => added(await api.setCaptions(this.video.id, tag, this.sdh(), file)));
  };

  private async drop({ language }: Captions): Promise<void> {
    if (this.busy) return;
    await this.act(async () => {
      await api.dropCaptions(this.video.id, language);
      this.querySelector("h3")?.focus(); // the pressed button is about to go
      return `${languageName(language)} captions are deleted.`;
    });
  }

  private sdh(): boolean {
    return this.querySelector<HTMLInputElement>("[name=sdh]")?.checked ?? false;
  }

  private async act(call: () => Promise<string>): Promise<void> {
    this.busy = true;
    this.wrong = "";
    this.message = nothing;
    try {
      this.message = notice("good", await call(), "captions-done");
      this.clear();
      this.dispatchEvent(new Event("changed"));
    } catch (error) {
      const problem = Problem.of(error);
      this.wrong = problem.field("language") ?? problem.message;
    } finally {
      this.busy = false;
    }
  }

  private clear(): void {
    this.file = null;
    this.typed = "";
    this.querySelector("form")?.reset();
  }
}

function added({ language, cues, dropped }: Understood): string {
  const lost = dropped ? `; ${dropped} could not be understood and are left out` : "";
  return `${languageName(language)} captions are added: ${cues} ${cues === 1 ? "cue" : "cues"}${lost}.`;
}

function beside({ label, sdh }: Captions, name: string): TemplateResult | typeof nothing {
  const more = [label === name ? "" : label, sdh ? "with sounds" : ""].filter(Boolean).join(", ");
  return more ? html` <span class="soft small">${more}</span>` : nothing;
}
