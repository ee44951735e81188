/** Counts what a viewer endures: time to the first picture, stalls, dropped frames. Sent along with heartbeats. */
import type { Beat } from "../model.ts";

export class Experience {
  stalls = 0;
  stallMs = 0;
  startupMs: number | null = null;
  #pressedAt: number | null = null;
  #stalledAt: number | null = null;

  constructor(private readonly now: () => number = () => performance.now()) {}

  pressed(): void {
    this.#pressedAt ??= this.now();
  }

  /** The picture stands still. Waiting after a seek, or before the first picture, is no stall. */
  waiting(seeking: boolean): void {
    if (seeking || this.startupMs === null || this.#stalledAt !== null) return;
    this.#stalledAt = this.now();
    this.stalls++;
  }

  /** The picture moves, or the viewer stopped waiting for it. */
  moving(): void {
    if (this.startupMs === null && this.#pressedAt !== null) this.startupMs = Math.round(this.now() - this.#pressedAt);
    this.settle();
  }

  settle(): void {
    if (this.#stalledAt === null) return;
    this.stallMs += Math.round(this.now() - this.#stalledAt);
    this.#stalledAt = null;
  }

  figures(media: HTMLVideoElement, position_ms: number, rendition: string | undefined): Beat {
    const standing = this.#stalledAt === null ? 0 : Math.round(this.now() - this.#stalledAt);
    return {
      position_ms,
      playing: !media.paused && !media.ended,
      rate: media.playbackRate,
      buffer_ms: Math.round(bufferAhead(media) * 1000),
      stalls: this.stalls,
      stall_ms: this.stallMs + standing,
      dropped_frames: media.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0,
      ...(this.startupMs === null ? {} : { startup_ms: this.startupMs }),
      ...(rendition ? { rendition } : {}),
    };
  }
}

/** Seconds that can be played from here without fetching. */
export function bufferAhead(media: HTMLMediaElement): number {
  const { buffered, currentTime } = media;
  for (let i = 0; i < buffered.length; i++) {
    if (buffered.start(i) <= currentTime + 0.1 && currentTime < buffered.end(i)) return buffered.end(i) - currentTime;
  }
  return 0;
}

/** Nothing more to show. A stalled browser may keep some tenths of a second of one track that it can't play. */
export function isDry(media: HTMLMediaElement): boolean {
  const stalled = !media.seeking && media.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
  return stalled || bufferAhead(media) < 0.2;
}
