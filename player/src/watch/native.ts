/** Playback by the browser's own HLS: no quality menu, and the reason of a refusal has to be asked for. */
import { Problem } from "../problem.ts";
import { captionsOf } from "./menus.ts";
import type { Listener, Playback } from "./playback.ts";
import { type Named, sameTrack } from "./tracks.ts";

interface Track {
  label: string;
  language: string;
}

/** Only browsers with HLS of their own have this list, so TypeScript's DOM does not. */
type Audible = HTMLMediaElement & { audioTracks?: Iterable<Track & { enabled: boolean }> };

const sounds = (media: Audible) => [...(media.audioTracks ?? [])];
const named = ({ label, language }: Track): Named => ({ language, name: label });

export class NativePlayback implements Playback {
  #url = "";
  readonly #closed = new AbortController();

  constructor(
    private readonly media: HTMLVideoElement,
    private readonly listener: Listener,
  ) {
    media.addEventListener("error", () => void this.#why(), { signal: this.#closed.signal });
  }

  load(url: string, position_s: number): void {
    this.#url = url;
    this.media.addEventListener(
      "loadedmetadata",
      () => {
        this.media.currentTime = position_s;
      },
      { once: true, signal: this.#closed.signal },
    );
    this.media.src = url;
  }

  swap(url: string, position_s: number): void {
    const { paused, playbackRate } = this.media;
    this.media.defaultPlaybackRate = playbackRate;
    this.#keepTracks();
    this.load(url, position_s);
    if (!paused) void this.media.play().catch(() => undefined);
  }

  resume(): void {
    this.swap(this.#url, this.media.currentTime);
  }

  stop(): void {
    this.media.preload = "none";
  }

  close(): void {
    this.#closed.abort();
    this.media.removeAttribute("src");
    this.media.load();
  }

  rendition(): string | undefined {
    return this.media.videoHeight ? `${this.media.videoHeight}p` : undefined;
  }

  /** The sound and the captions of now, chosen again when the next source is there. */
  #keepTracks(): void {
    const sound = sounds(this.media).find((track) => track.enabled);
    const text = captionsOf(this.media).find((track) => track.mode === "showing");
    const choose = () => {
      const heard = sound && sounds(this.media)[sameTrack(sounds(this.media).map(named), named(sound))];
      const shown = text && captionsOf(this.media)[sameTrack(captionsOf(this.media).map(named), named(text))];
      if (heard) heard.enabled = true;
      if (shown) shown.mode = "showing";
    };
    this.media.addEventListener("loadeddata", choose, { once: true, signal: this.#closed.signal });
  }

  async #why(): Promise<void> {
    try {
      const response = await fetch(this.#url, { signal: this.#closed.signal });
      const problem = Problem.parse(response.status, await response.text());
      if (response.ok)
        this.listener.broken(new Problem(0, "media", "This browser could not play the video any further."));
      else if (response.status === 402 || response.status === 403) this.listener.refused(problem);
      else this.listener.broken(problem);
    } catch (error) {
      if (!this.#closed.signal.aborted) this.listener.broken(Problem.of(error));
    }
  }
}
