/** How far one's own video is, and what can be done about it. Fires `changed` when a button did something. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import * as api from "../api.ts";
import type { Job, JobAction, Video } from "../model.ts";
import { errorOf, isLive, jobButtons, KINDS, leftOf, speedOf, unitsOf } from "./job.ts";
import { LightElement } from "./light.ts";
import { failure } from "./notice.ts";
import { progress } from "./progress.ts";

const ASK_EVERY_MS = 3000;

@customElement("s-preparation")
export class Preparation extends LightElement {
  @property({ attribute: false }) video!: Pick<Video, "id" | "title" | "status">;
  /** Without a bar where the page draws one already. */
  @property({ type: Boolean }) plain = false;
  @state() private job: Job | null = null;
  @state() private failed: unknown = null;
  private busy = false; // a disabled button would lose the keyboard's place
  private timer = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = window.setInterval(() => this.again(), ASK_EVERY_MS);
  }

  override disconnectedCallback(): void {
    clearInterval(this.timer);
    super.disconnectedCallback();
  }

  private shown = "";

  protected override willUpdate(): void {
    const shown = `${this.video.id} ${this.video.status}`;
    if (shown === this.shown) return;
    this.shown = shown;
    void this.ask();
  }

  override render(): TemplateResult | typeof nothing {
    const { job, failed } = this;
    if (!job) return nothing;
    return html`<div class="stack stack-small" data-test="preparation" data-state=${job.state}>
      ${this.plain ? nothing : progress(`Preparing ${this.video.title}`, job.progress, "job-progress")}
      <p class="small number"><span class="badge" data-kind=${KINDS[job.state]} data-test="job-state">${job.state}</span>
        <span data-test="job-words">${words(job)}</span></p>
      ${failed ? failure(failed) : nothing}
      ${jobButtons(job, this.video.title, (what) => void this.act(what))}
    </div>`;
  }

  private again(): void {
    if (this.job && isLive(this.job.state) && document.visibilityState === "visible" && !this.busy) void this.ask();
  }

  private async ask(): Promise<void> {
    // Without an answer there is just nothing to press; the page around says how the video is.
    const job = await api.jobOf(this.video.id).catch(() => this.job);
    if (!this.busy) this.job = job;
  }

  private async act(what: JobAction): Promise<void> {
    if (!this.job || this.busy) return;
    this.busy = true;
    try {
      this.job = await api.changeJob(this.job.id, what);
      this.failed = null;
      this.dispatchEvent(new Event("changed"));
    } catch (error) {
      this.failed = error;
    } finally {
      this.busy = false;
    }
  }
}

function words(job: Job): string {
  const left = leftOf(job);
  const all = [errorOf(job), unitsOf(job), speedOf(job), left && `${left} left`];
  return all.filter(Boolean).join(", ");
}
