/** Watch: one video, its player, what it costs while it runs, and what it is about. */
import "../components/header.ts";
import "./player.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import * as api from "../api.ts";
import { statusWords } from "../components/card.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { finished, followVideo } from "../follow.ts";
import type { Video } from "../model.ts";
import { formatPrice } from "../money.ts";
import { Problem } from "../problem.ts";
import { formatAgo, formatDuration, speakDuration } from "../time.ts";
import { meterLine } from "./meter.ts";
import type { Player } from "./player.ts";

@customElement("watch-page")
export class WatchPage extends LightElement {
  @state() private video: Video | null = null;
  @state() private failed: Problem | null = null;
  @query("s-player") private player!: Player | null;
  private stop: () => void = () => undefined;

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override disconnectedCallback(): void {
    this.stop();
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    if (this.failed) return this.missing(this.failed);
    if (!this.video) return html`<p class="soft" role="status">Loading the video…</p>`;
    const { video } = this;
    return html`<div class="watch">
      <div class="stack">
        <s-player .video=${video} @meter=${() => this.requestUpdate()}></s-player>
        ${this.player ? meterLine(this.player.viewing, video) : nothing}
        <h1 data-test="title">${video.title}</h1>
        <p class="soft"><span data-test="uploader">${video.uploader_name}</span> · ${formatAgo(video.created_at)}</p>
        ${video.description ? html`<p class="description" data-test="description">${video.description}</p>` : nothing}
      </div>
      <div class="stack watch-side">
        <s-chapters .chapters=${video.chapters ?? []} .media=${this.player?.viewing.media ?? null}
          @jump=${(event: CustomEvent<number>) => this.player?.jump(event.detail)}></s-chapters>
        ${this.aside(video)}
      </div>
      ${this.studio(video)}
    </div>`;
  }

  /** For whoever may change the video; viewers never load it. */
  private studio(video: Video): TemplateResult | typeof nothing {
    const { user } = account;
    if (!user || (user.id !== video.uploaded_by && user.role !== "operator")) return nothing;
    void import("../studio/studio.ts").catch(() => undefined);
    return html`<s-studio .video=${video} .position=${this.position} @changed=${() => void this.refresh()}></s-studio>`;
  }

  private readonly position = (): number => this.player?.viewing.position_ms ?? 0;

  private aside(video: Video): TemplateResult {
    const unfinished =
      video.status === "ready" ? nothing : html`<p data-test="status" role="status">${statusWords(video)}</p>`;
    return html`<aside class="panel stack" aria-label="About this video">
      <dl class="stack stack-small">
        ${fact("Price", formatPrice(video.price_per_minute, video.currency ?? account.currency))}
        ${video.price_per_minute && video.preview_ms ? fact("Free preview", `first ${speakDuration(video.preview_ms)}`) : nothing}
        ${video.duration_ms ? fact("Length", formatDuration(video.duration_ms)) : nothing}
        ${video.category ? fact("Category", video.category) : nothing}
        ${video.visibility === "public" ? nothing : fact("Visible", video.visibility === "private" ? "only to you" : "to people with the link")}
      </dl>
      ${unfinished}
      <details>
        <summary>How watching is charged</summary>
        <ul class="small stack stack-small">
          <li>You pay for the video time sent to you, to the millisecond, not for pauses or waiting.</li>
          <li>The same minute is charged once in 24 hours: seeking back, another quality or another device is free.</li>
          <li>What was loaded ahead but not watched is given back, up to 30 seconds.</li>
          ${video.price_per_minute && video.preview_ms ? html`<li>The first ${speakDuration(video.preview_ms)} cost nothing and need no money.</li>` : nothing}
        </ul>
      </details>
    </aside>`;
  }

  private missing(problem: Problem): TemplateResult {
    if (problem.status !== 404 && problem.status !== 403) return failure(problem, () => void this.load());
    const signIn = account.user
      ? nothing
      : html` <a href=${signInHref()}>Sign in</a> if it is a private video of yours.`;
    return notice(
      "warn",
      html`This video does not exist, or is not for you.${signIn} <a href="/">See all videos</a>.`,
      "missing",
    );
  }

  private async load(): Promise<void> {
    const id = new URLSearchParams(location.search).get("v") ?? "";
    this.failed = null;
    try {
      if (!/^\d+$/.test(id)) throw new Problem(404, "not_found", "There is no such video.");
      const video = await api.video(id);
      this.video = video;
      document.title = `${video.title} · Streamify`;
      if (!finished(video)) this.stop = followVideo(video.id, this.change);
    } catch (error) {
      this.failed = Problem.of(error);
    }
  }

  /** An event may carry only what changed; when a video becomes playable or ready the rest is asked for. */
  private readonly change = (change: Partial<Video>): void => {
    if (!this.video) return;
    const before = this.video.status;
    this.video = { ...this.video, ...change };
    if (this.video.status !== before) void this.refresh();
  };

  private async refresh(): Promise<void> {
    if (!this.video) return;
    const fresh = await api.video(this.video.id).catch(() => null);
    if (fresh) this.video = fresh;
  }
}

function fact(label: string, value: string): TemplateResult {
  return html`<div class="row row-apart"><dt class="soft">${label}</dt><dd>${value}</dd></div>`;
}
