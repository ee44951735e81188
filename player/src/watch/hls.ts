/** Playback by hls.js. Media is prepaid and paced, so at most 30 s are fetched ahead. */
import Hls, { type ErrorData, Events, type HlsConfig, type LoadPolicy, type RetryConfig } from "hls.js";
import { Problem } from "../problem.ts";
import type { Listener, Playback } from "./playback.ts";
import type { Renditions } from "./renditions.ts";

const RECOVER_EVERY_MS = 10_000;
const BANDWIDTH = "streamify.bandwidth";

/** 503: the segment is still being made; 429: too fast. Both pass, other refusals don't. */
const passing = (status: number | undefined) => !status || status >= 500 || status === 429;

const errorRetry: RetryConfig = {
  maxNumRetry: 10,
  retryDelayMs: 1000,
  maxRetryDelayMs: 4000,
  shouldRetry: (config, count, _timeout, response) => count < (config?.maxNumRetry ?? 0) && passing(response?.code),
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
  #recoveredAt = -Infinity;

  constructor(
    private readonly media: HTMLVideoElement,
    private readonly renditions: Renditions,
    private readonly listener: Listener,
  ) {
    const estimate = Number(localStorage.getItem(BANDWIDTH)) || 2_000_000;
    this.#hls = new Hls({ ...CONFIG, abrEwmaDefaultEstimate: estimate, cmcd: { useHeaders: false } });
    this.#hls.on(Events.ERROR, (_event, data) => this.#error(data));
    this.#hls.on(Events.MANIFEST_PARSED, () => this.#listQualities());
    this.#hls.attachMedia(media);
    renditions.onselect = (index) => {
      this.#hls.nextLevel = index;
    };
  }

  load(url: string, position_s: number): void {
    this.#hls.config.startPosition = position_s;
    this.#hls.loadSource(url);
  }

  swap(url: string): void {
    const { currentTime, paused, playbackRate } = this.media;
    this.#rememberBandwidth();
    this.media.defaultPlaybackRate = playbackRate; // a new source starts at the default
    this.load(url, currentTime);
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
    this.renditions.onselect = () => undefined;
    this.#hls.destroy();
  }

  /** From the address of its playlist, `.../720p/index.m3u8`: the name every other part uses. */
  rendition(): string | undefined {
    const level = this.#hls.levels[this.#hls.currentLevel];
    return level?.url[0]?.split("/").at(-2);
  }

  #listQualities(): void {
    const list = this.#hls.levels.map(({ width, height, bitrate }, id) => ({ id: String(id), width, height, bitrate }));
    this.renditions.replace(list);
  }

  #rememberBandwidth(): void {
    const estimate = Math.round(this.#hls.bandwidthEstimate);
    if (!Number.isFinite(estimate) || estimate <= 0) return;
    this.#hls.config.abrEwmaDefaultEstimate = estimate;
    localStorage.setItem(BANDWIDTH, String(estimate));
  }

  #error(data: ErrorData): void {
    const status = data.response?.code;
    if (status === 402 || status === 403) {
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

/** The problem document of a refused request; segments arrive as bytes, playlists as text. */
function bodyText(details: unknown): string {
  if (!(details instanceof XMLHttpRequest)) return "";
  if (details.response instanceof ArrayBuffer) return new TextDecoder().decode(details.response);
  return typeof details.response === "string" ? details.response : "";
}
