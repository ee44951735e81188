/** The chapters of a film: a list to jump from, and marks on the time bar. */
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { LightElement } from "../components/light.ts";
import type { Chapter } from "../model.ts";
import { formatDuration, speakDuration } from "../time.ts";

/** The index of the chapter at a position, -1 before the first and in gaps between them. */
export function chapterAt(chapters: readonly Chapter[], position_ms: number): number {
  return chapters.findIndex(({ start_ms, end_ms }) => start_ms <= position_ms && position_ms < end_ms);
}

const nameOf = (chapter: Chapter, index: number) => chapter.title.trim() || `Chapter ${index + 1}`;

/** Fires `jump` (detail: position in ms). */
@customElement("s-chapters")
export class Chapters extends LightElement {
  @property({ attribute: false }) chapters: Chapter[] = [];
  @property({ attribute: false }) media: HTMLMediaElement | null = null;
  @state() private current = -1;
  private following = new AbortController();

  override disconnectedCallback(): void {
    this.following.abort();
    super.disconnectedCallback();
  }

  protected override willUpdate(changes: PropertyValues<this>): void {
    if (!changes.has("media")) return;
    this.following.abort();
    this.following = new AbortController();
    const { signal } = this.following;
    for (const type of ["timeupdate", "seeking"]) this.media?.addEventListener(type, this.follow, { signal });
  }

  override render(): TemplateResult | typeof nothing {
    if (this.chapters.length === 0) return nothing;
    return html`<nav class="panel stack stack-small" aria-labelledby="chapters-title" data-test="chapters">
      <h2 id="chapters-title">Chapters</h2>
      <ol class="chapters" role="list">${this.chapters.map((chapter, i) => this.entry(chapter, i))}</ol>
    </nav>`;
  }

  private entry(chapter: Chapter, index: number): TemplateResult {
    const name = nameOf(chapter, index);
    return html`<li><button type="button" class="chapter" data-test="chapter" data-start=${chapter.start_ms}
      aria-current=${index === this.current ? "true" : nothing} aria-label="${name}, at ${speakDuration(chapter.start_ms)}"
      @click=${() => this.jump(chapter)}>
      <span class="number soft">${formatDuration(chapter.start_ms)}</span> <span>${name}</span></button></li>`;
  }

  private jump(chapter: Chapter): void {
    this.dispatchEvent(new CustomEvent("jump", { detail: chapter.start_ms }));
  }

  private readonly follow = (): void => {
    this.current = this.media ? chapterAt(this.chapters, Math.round(this.media.currentTime * 1000)) : -1;
  };
}

/** The marks: media-chrome reads a text track of this kind. */
export function markChapters(media: HTMLMediaElement, chapters: readonly Chapter[]): void {
  const track = media.addTextTrack("chapters", "Chapters");
  track.mode = "hidden"; // a disabled track has no cues to read
  chapters.forEach((chapter, i) => {
    track.addCue(new VTTCue(chapter.start_ms / 1000, chapter.end_ms / 1000, escaped(nameOf(chapter, i))));
  });
}

/** A title as the text of a cue, where `<` would begin a tag. */
export const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
