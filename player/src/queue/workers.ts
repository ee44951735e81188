/** The workers panel: who works on which queue, at what, and when it was last heard of. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure } from "../components/notice.ts";
import { progress } from "../components/progress.ts";
import type { Unit, Worker } from "../model.ts";
import { formatAgo } from "../time.ts";
import { isSilent, workOf } from "./work.ts";

const ASK_EVERY_MS = 4000;

@customElement("s-workers")
export class Workers extends LightElement {
  /** Titles of the videos the page knows, by id. */
  @property({ attribute: false }) titles: ReadonlyMap<number, string> = new Map();
  @state() private workers: Worker[] | null = null;
  @state() private failed: unknown = null;
  private timer = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.ask();
    this.timer = window.setInterval(() => document.visibilityState === "visible" && void this.ask(), ASK_EVERY_MS);
  }

  override disconnectedCallback(): void {
    clearInterval(this.timer);
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    return html`<section class="stack" aria-labelledby="workers-title">
      <h2 id="workers-title">Workers</h2>
      ${this.failed ? failure(this.failed, () => void this.ask()) : nothing} ${this.list()}
    </section>`;
  }

  private list(): TemplateResult | typeof nothing {
    if (!this.workers) return this.failed ? nothing : html`<p class="soft" role="status">Loading workers…</p>`;
    if (this.workers.length === 0)
      return html`<p class="empty" data-test="no-workers">No worker has been heard of lately.</p>`;
    return html`<ul class="grid" role="list" data-test="workers">${this.workers.map((worker) => this.card(worker))}</ul>`;
  }

  private card(worker: Worker): TemplateResult {
    const units = worker.units ?? [];
    return html`<li class="panel stack stack-small" data-test="worker" data-worker=${worker.name}>
      <div class="row row-apart"><h3>${worker.name}</h3><span class="badge">${worker.queue}</span></div>
      <p class="small soft">Load ${Math.round(worker.load * 10) / 10}, ${seen(worker)}</p>
      ${units.length === 0 ? html`<p class="small">Idle</p>` : html`<ul role="list" class="stack stack-small">${units.map((unit) => this.unit(unit))}</ul>`}
    </li>`;
  }

  private unit(unit: Unit): TemplateResult {
    const title = this.titles.get(unit.video_id) ?? `Video ${unit.video_id}`;
    const segments = unit.end_segment - unit.first_segment;
    return html`<li class="stack stack-small small" data-test="worker-unit">
      <span><a href="/watch?v=${unit.video_id}">${title}</a><br /><span class="soft number">${workOf(unit)}${unit.speed ? `, ${unit.speed.toFixed(1)}×` : ""}</span></span>
      ${segments > 0 ? progress(`${title}, ${workOf(unit)}`, unit.done_segments / segments, "worker-progress") : nothing}
    </li>`;
  }

  private async ask(): Promise<void> {
    try {
      this.workers = (await api.workers()).items;
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  }
}

function seen(worker: Worker): TemplateResult {
  const text = `last seen ${formatAgo(worker.last_seen)}`;
  return isSilent(worker) ? html`<span class="badge" data-kind="warn">${text}</span>` : html`${text}`;
}
