/** Playback by hls.js. Media is prepaid and paced, so at most 30 s are fetched ahead. */
import Hls, {
  type ErrorData,
  Events,
  type HlsConfig,
  type LoadPolicy,
  type MediaPlaylist,
  type NetworkErrorAction,
  type RetryConfig,
} from "hls.js";
import { Problem } from "../problem.ts";
import { isDry } from "./experience.ts";
import type { Menus } from "./menus.ts";
import type { Listener, Playback } from "./playback.ts";
import { Settling } from "./settling.ts";
import { type Named, sameTrack } from "./tracks.ts";

const RECOVER_EVERY_MS = 10_000;
const BANDWIDTH = "streamify.bandwidth";

/** 503: the segment is still being made; 429: too fast. Both pass, other refusals don't. */
const passing = (status: number | undefined) => !status || status >= 500 || status === 429;
/** Asked for twice more: to give up at once would cut off what was granted and is under way. */
const UNPAID = 402;
const retries = (status: number | undefined, most = 0) => (passing(status) ? most : status === UNPAID ? 2 : 0);
const RETRY = 5 satisfies NetworkErrorAction.RetryRequest; // its enumeration is there at compile time only

const errorRetry: RetryConfig = {
  maxNumRetry: 10,
  retryDelayMs: 1000,
  maxRetryDelayMs: 4000,
  shouldRetry: (config, count, _timeout, response) => count < retries(response?.code, config?.maxNumRetry),
};
const timeoutRetry: RetryConfig = { maxNumRetry: 4, retryDelayMs: 0, maxRetryDelayMs: 0 };

/** A segment may be held for 8 s before its first byte. */
const patient: LoadPolicy = {
  default: { maxTimeToFirstByteMs: 12_000, maxLoadTimeMs: 60_000, timeoutRetry, errorRetry },
};

const CONFIG: Partial<HlsConfig> = {
  maxBufferLength: 30,
  maxMaxBufferLength: 30,
  backBufferLength: 60,
  fragLoadPolicy: patient,
  playlistLoadPolicy: patient,
  manifestLoadPolicy: patient,
  enableWorker: false, // our segments are fMP4: nothing to remux, and no worker for the CSP to allow
  enableInterstitialPlayback: false,
  preserveManualLevelOnError: true, // else one refused segment ends the viewer's choice of quality
  capLevelToPlayerSize: true,
  testBandwidth: false, // its first segment would be fetched only to be thrown away
};

export class HlsPlayback implements Playback {
  readonly #hls: Hls;
  readonly #settling: Settling;
  #recoveredAt = -Infinity;
  #captions: Named | null = null;

  constructor(
    private readonly media: HTMLVideoElement,
    private readonly menus: Menus,
    private readonly listener: Listener,
  ) {
    const estimate = Number(localStorage.getItem(BANDWIDTH)) || 2_000_000;
    this.#hls = new Hls({ ...CONFIG, abrEwmaDefaultEstimate: estimate, cmcd: { useHeaders: false } });
    this.#hls.on(Events.ERROR, (_event, data) => this.#error(data));
    this.#hls.on(Events.MANIFEST_PARSED, () => this.#listQualities());
    this.#hls.on(Events.AUDIO_TRACKS_UPDATED, (_event, { audioTracks }) => this.#listSounds(audioTracks));
    this.#hls.on(Events.AUDIO_TRACK_SWITCHING, (_event, { id }) => menus.sounds.playing(id));
    this.#hls.on(Events.SUBTITLE_TRACKS_UPDATED, (_event, { subtitleTracks }) => this.#findCaptions(subtitleTracks));
    this.#settling = new Settling(media, this.#hls);
    this.#hls.attachMedia(media);
    menus.renditions.onselect = (index) => {
      this.#hls.nextLevel = index;
    };
    menus.sounds.onselect = (index) => {
      this.#hls.audioTrack = index; // at once: what is buffered in the old sound is dropped
    };
  }

  load(url: string, position_s: number): void {
    this.#hls.config.startPosition = position_s;
    this.#hls.loadSource(url);
  }

  swap(url: string, position_s: number): void {
    const { paused, playbackRate } = this.media;
    this.#rememberBandwidth();
    const showing = this.#hls.subtitleDisplay ? this.#hls.subtitleTracks[this.#hls.subtitleTrack] : undefined;
    this.#captions = showing ? named(showing) : null;
    this.media.defaultPlaybackRate = playbackRate; // a new source starts at the default
    this.load(url, position_s);
    if (!paused) this.#hls.once(Events.MANIFEST_PARSED, () => void this.media.play().catch(() => undefined));
  }

  resume(): void {
    if (this.#hls.levels.length === 0 && this.#hls.url) this.#hls.loadSource(this.#hls.url);
    else this.#hls.startLoad(this.media.currentTime, true);
  }

  stop(): void {
    this.#hls.stopLoad();
  }

  close(): void {
    this.#rememberBandwidth();
    this.menus.renditions.onselect = this.menus.sounds.onselect = () => undefined;
    this.#settling.close();
    this.#hls.destroy();
  }

  /** From the address of its playlist, `.../720p/index.m3u8`: the name every other part uses. */
  rendition(): string | undefined {
    const level = this.#hls.levels[this.#hls.currentLevel];
    return level?.url[0]?.split("/").at(-2);
  }

  #listQualities(): void {
    const list = this.#hls.levels.map(({ width, height, bitrate }, id) => ({ id: String(id), width, height, bitrate }));
    this.menus.renditions.replace(list);
  }

  /** hls.js takes its own choice only if none was made in this event. */
  #listSounds(tracks: MediaPlaylist[]): void {
    const chosen = this.menus.sounds.replace(tracks.map(named));
    if (chosen >= 0) this.#hls.audioTrack = chosen;
  }

  /** The captions seen before a swap; after this event, which ends with hls.js making its own choice. */
  #findCaptions(tracks: MediaPlaylist[]): void {
    const index = sameTrack(tracks.map(named), this.#captions);
    this.#captions = null;
    if (index >= 0) queueMicrotask(() => this.#show(index));
  }

  #show(index: number): void {
    this.#hls.subtitleDisplay = true;
    this.#hls.subtitleTrack = index;
  }

  #rememberBandwidth(): void {
    const estimate = Math.round(this.#hls.bandwidthEstimate);
    if (!Number.isFinite(estimate) || estimate <= 0) return;
    this.#hls.config.abrEwmaDefaultEstimate = estimate;
    localStorage.setItem(BANDWIDTH, String(estimate));
  }

  #error(data: ErrorData): void {
    const status = data.response?.code;
    if (status === UNPAID && data.errorAction?.action === RETRY && isDry(this.media)) return;
    if (status === UNPAID || status === 403) {
      this.#hls.stopLoad();
      this.listener.refused(Problem.parse(status, bodyText(data.networkDetails)));
    } else if (data.fatal) this.#fatal(data);
  }

  #fatal(data: ErrorData): void {
    if (data.type === "mediaError" && performance.now() - this.#recoveredAt > RECOVER_EVERY_MS) {
      this.#recoveredAt = performance.now();
      this.#hls.recoverMediaError();
      return;
    }
    const text = bodyText(data.networkDetails);
    if (data.response && text) this.listener.broken(Problem.parse(data.response.code ?? 0, text));
    else if (data.type === "networkError") this.listener.broken(Problem.offline());
    else this.listener.broken(new Problem(0, "media", "This browser could not play the video any further."));
  }
}

const named = ({ lang, name }: MediaPlaylist): Named => ({ language: lang ?? "", name });

/** The problem document of a refused request; segments arrive as bytes, playlists as text. */
function bodyText(details: unknown): string {
  if (!(details instanceof XMLHttpRequest)) return "";
  if (details.response instanceof ArrayBuffer) return new TextDecoder().decode(details.response);
  return typeof details.response === "string" ? details.response : "";
}
