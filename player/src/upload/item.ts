/** One file on the upload page: its details, its transfer, and its way to a playable video. */
import "../components/preparation.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { account } from "../account.ts";
import { statusWords, watchable } from "../components/card.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";
import { progress } from "../components/progress.ts";
import { followVideo } from "../follow.ts";
import type { Video } from "../model.ts";
import { plainAmount } from "../money.ts";
import { formatBytes } from "../size.ts";
import { formatAgo, formatEta } from "../time.ts";
import { type Errors, fieldset, isComplete, readFields, titleOf } from "./form.ts";
import { Transfer } from "./transfer.ts";

let made = 0;

@customElement("s-upload")
export class UploadItem extends LightElement {
  @property({ attribute: false }) file!: File;
  @property({ attribute: false }) categories: string[] = [];
  @state() private errors: Errors = {};
  @state() private video: Partial<Video> | null = null;
  transfer!: Transfer;
  private readonly key = String(++made);
  private following: () => void = () => undefined;
  private title_ = "";

  override connectedCallback(): void {
    super.connectedCallback();
    this.transfer = new Transfer(this.file, () => this.changed());
    void this.transfer.findPrevious();
  }

  override disconnectedCallback(): void {
    this.following();
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    const { transfer } = this;
    this.dataset.state = transfer.state;
    this.dataset.video = transfer.videoId === null ? "" : String(transfer.videoId);
    return html`<article class="panel stack" aria-label=${this.file.name}>
      <div class="row row-apart">
        <h2>${this.title_ || this.file.name} <span class="soft small number">${formatBytes(this.file.size)}</span></h2>
        ${transfer.state === "waiting" ? this.button("Remove", "upload-remove", () => this.drop()) : nothing}
      </div>
      ${transfer.state === "waiting" ? this.details() : this.steps()}
    </article>`;
  }

  private details(): TemplateResult {
    const { previous } = this.transfer;
    const kept = previous?.metadata ?? {};
    const values: Record<string, string> = { title: titleOf(this.file.name), ...kept };
    if (kept.price_per_minute) values.price_per_minute = plainAmount(Number(kept.price_per_minute), account.currency);
    const { key, errors, categories } = this;
    return html`<form class="stack" novalidate @submit=${this.submit} data-test="upload-form">
      ${previous ? notice("info", `An upload of this file was interrupted ${formatAgo(previous.creationTime)}. It will go on where it stopped.`, "upload-previous") : nothing}
      ${fieldset({ key, values, errors, currency: account.currency, categories })}
      <div><button class="button button-main" data-test="upload-start">${previous ? "Continue upload" : "Start upload"}</button></div>
    </form>`;
  }

  private steps(): TemplateResult {
    const { transfer } = this;
    return html`<div class="steps">
      <div class="stack stack-small">
        ${progress(`Sending ${this.file.name}`, transfer.sentBytes / Math.max(1, this.file.size), "transfer-progress")}
        <p class="small number" data-test="transfer-text">${this.transferText()}</p>
      </div>
      ${transfer.problem ? notice("bad", transfer.problem.message, "transfer-error") : nothing}
      ${this.buttons()} ${transfer.state === "sent" ? this.preparing() : nothing}
    </div>`;
  }

  private transferText(): string {
    const { state, sentBytes, pace } = this.transfer;
    const done = `${formatBytes(sentBytes)} of ${formatBytes(this.file.size)}`;
    if (state === "sent") return `Sent: ${formatBytes(this.file.size)}`;
    if (state === "paused") return `Paused: ${done}`;
    if (state === "failed") return `Stopped: ${done}`;
    if (state === "cancelled") return "Cancelled";
    const eta = pace.etaMs(this.file.size - sentBytes);
    const speed = pace.bytesPerSecond === null ? "" : `, ${formatBytes(pace.bytesPerSecond)}/s`;
    return `${done}${speed}${eta === null ? "" : `, ${formatEta(eta)} left`}`;
  }

  private buttons(): TemplateResult | typeof nothing {
    const { transfer } = this;
    const pause = this.button("Pause", "upload-pause", () => transfer.pause());
    const resume = this.button("Continue", "upload-resume", () => transfer.resume());
    const again = this.button("Try again", "upload-retry", () => transfer.resume());
    const cancel = this.button("Cancel", "upload-cancel", () => void transfer.cancel());
    switch (transfer.state) {
      case "sending":
        return html`<div class="row">${pause} ${cancel}</div>`;
      case "paused":
        return html`<div class="row">${resume} ${cancel}</div>`;
      case "failed":
        return html`<div class="row">${again} ${cancel}</div>`;
      case "cancelled":
        return html`<div class="row">${this.button("Remove from this list", "upload-remove", () => this.drop())}</div>`;
      default:
        return nothing;
    }
  }

  private button(label: string, test: string, act: () => void): TemplateResult {
    return html`<button class="button" type="button" data-test=${test} @click=${act}
      aria-label="${label}: ${this.file.name}">${label}</button>`;
  }

  /** From the last byte to a video: waiting, playable, ready, or why not. */
  private preparing(): TemplateResult {
    const { videoId } = this.transfer;
    const status = this.video?.status ?? "queued";
    const words = statusWords({ status, error: this.video?.error ?? null });
    const link = videoId !== null && watchable({ status } as Video);
    return html`<div class="stack stack-small" data-test="preparing" data-status=${status}>
      ${status === "failed" || status === "ready" ? nothing : progress("Preparing the video", this.video?.progress ?? 0, "encode-progress")}
      ${status === "failed" ? notice("bad", words, "encode-error") : html`<p role="status" data-test="encode-text">${words}</p>`}
      ${
        link
          ? html`<div class="row"><a class="button button-main" href="/watch?v=${videoId}" data-test="upload-watch">Watch it now</a>
        <a href="/watch?v=${videoId}#manage" data-test="upload-manage">Captions, poster and report</a></div>`
          : nothing
      }
      ${videoId === null ? nothing : html`<s-preparation plain .video=${{ id: videoId, title: this.title_, status }}></s-preparation>`}
    </div>`;
  }

  private readonly submit = (event: Event): void => {
    event.preventDefault();
    this.start(event.target as HTMLFormElement);
  };

  /** Begin, unless a detail is wrong or it runs already. */
  start(form = this.querySelector("form")): void {
    if (!form || this.transfer.state !== "waiting") return;
    const read = readFields(form, account.currency);
    if (!isComplete(read)) {
      this.errors = read;
      return;
    }
    this.title_ = read.title;
    this.transfer.start(read);
  }

  private changed(): void {
    this.requestUpdate();
    this.dispatchEvent(new Event("change", { bubbles: true }));
    const { state, videoId } = this.transfer;
    if (state === "sent" && videoId !== null && this.video === null) {
      this.video = {};
      this.following = followVideo(videoId, (change) => {
        this.video = { ...this.video, ...change };
      });
    }
  }

  private drop(): void {
    this.dispatchEvent(new CustomEvent("dropped", { detail: this.file }));
  }
}
