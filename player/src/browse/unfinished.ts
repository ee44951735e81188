/** The visitor's own uploads that are not ready yet, with their progress. Renders nothing when there are none. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import * as api from "../api.ts";
import { card } from "../components/card.ts";
import { LightElement } from "../components/light.ts";
import { finished, followVideo } from "../follow.ts";
import type { User, Video } from "../model.ts";

const MOST = 4;
const FAILED_SHOWN_MS = 3 * 86_400_000;

/** A failure stays in sight for some days, not for ever. */
function worthShowing(video: Video): boolean {
  if (video.status === "failed") return Date.now() - Date.parse(video.created_at) < FAILED_SHOWN_MS;
  return video.status !== "ready";
}

@customElement("s-unfinished")
export class Unfinished extends LightElement {
  @property({ attribute: false }) user!: User;
  @state() private videos: Video[] = [];
  private stops: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override disconnectedCallback(): void {
    for (const stop of this.stops) stop();
    super.disconnectedCallback();
  }

  override render(): TemplateResult | typeof nothing {
    if (this.videos.length === 0) return nothing;
    return html`<section class="panel stack" aria-labelledby="unfinished">
      <h2 id="unfinished">Your unfinished videos</h2>
      <ul class="grid grid-small" role="list" data-test="unfinished">${this.videos.map(card)}</ul>
    </section>`;
  }

  private async load(): Promise<void> {
    const own = await api.videos({ uploaded_by: this.user.id, sort: "newest", per_page: 50 }).catch(() => null);
    this.videos = (own?.items ?? []).filter(worthShowing).slice(0, MOST);
    const moving = this.videos.filter((video) => !finished(video) && video.status !== "uploading");
    this.stops = moving.map(({ id }) => followVideo(id, (change) => this.change(id, change)));
  }

  private change(id: number, change: Partial<Video>): void {
    this.videos = this.videos.map((video) => (video.id === id ? { ...video, ...change } : video));
  }
}
