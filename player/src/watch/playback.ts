/** Gets the media of one session into the video element: hls.js wherever MSE exists, the browser's own HLS elsewhere. */
import { Problem } from "../problem.ts";
import type { Menus } from "./menus.ts";
import { NativePlayback } from "./native.ts";

/** What a playback tells: the gateway refused media for a reason, or nothing more can be done. */
export interface Listener {
  refused(problem: Problem): void;
  broken(problem: Problem): void;
}

export interface Playback {
  load(url: string, position_s: number): void;
  /** The same video from another address: same play state, rate, volume, sound and captions, no jump. */
  swap(url: string, position_s: number): void;
  /** Fetch again after a refusal or a failure, from the position where the video stands. */
  resume(): void;
  stop(): void;
  close(): void;
  /** Name of the rendition on screen, such as `720p`. */
  rendition(): string | undefined;
}

/** hls.js is most of this page's weight: the page asks for it early, and shows itself without waiting for it. */
export const loadHls = () => import("./hls.ts");

/** Chromium claims native HLS too, but plays it badly, so MSE decides (iPhones have only ManagedMediaSource). */
export async function openPlayback(media: HTMLVideoElement, menus: Menus, listener: Listener): Promise<Playback> {
  if ("MediaSource" in window) return new (await loadHls()).HlsPlayback(media, menus, listener);
  if (media.canPlayType("application/vnd.apple.mpegurl")) return new NativePlayback(media, listener);
  throw new Problem(
    0,
    "unsupported",
    "This browser can't play this video. A current Firefox, Chrome, Edge or Safari can.",
  );
}
