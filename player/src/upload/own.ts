/** One's own videos below the upload form: how each one is, what can be done about it, and the way to its report. */
import "../components/preparation.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import * as api from "../api.ts";
import { statusWords, watchable } from "../components/card.ts";
import { LightElement } from "../components/light.ts";
import { failure } from "../components/notice.ts";
import { pages } from "../components/pages.ts";
import type { Page, Status, User, Video } from "../model.ts";
import { formatAgo, formatDuration } from "../time.ts";

const PER_PAGE = 10;
const KINDS: Record<Status, string> = {
  uploading: "info",
  queued: "info",
  playable: "busy",
  ready: "good",
  failed: "bad",
};

@customElement("s-own")
export class Own extends LightElement {
  @property({ attribute: false }) user!: User;
  @state() private found: Page<Video> | null = null;
  @state() private failed: unknown = null;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load(1);
  }

  override render(): TemplateResult | typeof nothing {
    if (this.failed) return failure(this.failed, () => void this.load(1));
    if (!this.found || this.found.total === 0) return nothing;
    return html`<section class="stack" aria-labelledby="own-title">
      <h2 id="own-title">Your videos</h2>
      <ul role="list" class="stack" data-test="own">${repeat(
        this.found.items,
        ({ id }) => id,
        (video) => this.item(video),
      )}</ul>
      ${pages(this.found, (page) => void this.load(page))}
    </section>`;
  }

  private item(video: Video): TemplateResult {
    const moving = video.status !== "ready" && video.status !== "uploading";
    return html`<li class="panel stack stack-small" data-test="own-video" data-video=${video.id}>
      <div class="row row-apart"><h3><a href="/watch?v=${video.id}">${video.title}</a></h3>
        <span class="badge" data-kind=${KINDS[video.status]}>${video.status}</span></div>
      <p class="small soft">${video.duration_ms ? `${formatDuration(video.duration_ms)}, ` : ""}${formatAgo(video.created_at)}${video.status === "ready" ? "" : `. ${statusWords(video)}`}</p>
      ${moving ? html`<s-preparation .video=${video} @changed=${() => void this.refresh(video)}></s-preparation>` : nothing}
      <p class="row small">
        ${watchable(video) ? html`<a href="/watch?v=${video.id}#manage" aria-label="Captions and poster of ${video.title}">Captions and poster</a>` : nothing}
        ${video.status === "ready" ? html`<a href="/watch?v=${video.id}#report" data-test="own-report" aria-label="Report of ${video.title}">Report</a>` : nothing}
      </p>
    </li>`;
  }

  private async load(page: number): Promise<void> {
    try {
      const wanted = { uploaded_by: this.user.id, sort: "newest", page, per_page: PER_PAGE };
      this.found = await api.videos(wanted);
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  }

  private async refresh({ id }: Video): Promise<void> {
    const fresh = await api.video(id).catch(() => null);
    if (!fresh || !this.found) return;
    this.found = { ...this.found, items: this.found.items.map((video) => (video.id === id ? fresh : video)) };
  }
}
