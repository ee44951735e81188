/**
 * One viewer in front of one video: which state the player is in, and what leads to the next. No rendering here.
 * idle -> starting -> playing <-> paused -> ended, with spent (no money left) and error on the side; each of
 * these three can start again where the video stands.
 */
import { account } from "../account.ts";
import * as api from "../api.ts";
import type { Meter, Receipt, Started, Video } from "../model.ts";
import { Problem } from "../problem.ts";
import { bufferAhead, Experience, isDry } from "./experience.ts";
import { Grace } from "./grace.ts";
import { Heart } from "./heart.ts";
import { Menus } from "./menus.ts";
import { Place } from "./place.ts";
import { openPlayback, type Playback } from "./playback.ts";

export type State = "idle" | "starting" | "playing" | "paused" | "spent" | "ended" | "error";

const FIRST_BEAT_MS = 15_000;
const SWAP_AGAIN_MS = 5000;
const LEAST_MINUTES = 0.2; // worth going on for by itself

export class Viewing {
  state: State = "idle";
  problem: Problem | null = null;
  session: Started | null = null;
  meter: Meter | null = null;
  receipt: Receipt | null = null;
  readonly media = document.createElement("video");
  readonly menus = new Menus(this.media);
  readonly #place = new Place(this.media);
  #experience = new Experience();
  #playback: Playback | null = null;
  #heart: Heart | null = null;
  #unpaid: Problem | null = null;
  readonly #grace = new Grace();
  #renewed = false;
  #stale = false;

  /** `changed` is called after every change worth rendering, `frozen` before the source is swapped. */
  constructor(
    private readonly changed: () => void,
    private readonly frozen: () => void,
  ) {
    const on = (type: string, act: () => void) => this.media.addEventListener(type, act);
    on("playing", () => this.#playing());
    on("pause", () => this.#paused());
    on("waiting", () => this.#waiting());
    on("seeking", () => this.#seeking());
    on("ratechange", () => this.#heart?.soon());
    on("ended", () => void this.#finished());
    this.media.slot = "media";
    this.media.playsInline = true;
  }

  get position_ms(): number {
    return this.#place.ms;
  }

  /** Open a session and play. The viewer has seen the price and pressed play. */
  async start(video: Video, position_ms: number): Promise<void> {
    this.#close();
    this.#experience = new Experience();
    this.#experience.pressed();
    this.#set("starting");
    try {
      const session = await api.startSession(video.id);
      this.session = session;
      this.#playback = await openPlayback(this.media, this.menus, {
        refused: this.#refused,
        broken: this.#broken,
      });
      this.meter = { ...session, is_active: true, charged: 0, delivered_ms: 0, low_balance: false, final: false };
      this.#playback.load(session.url, position_ms / 1000);
      const measure = () => this.#experience.figures(this.media, this.position_ms, this.#playback?.rendition());
      this.#heart = new Heart(session.session_id, measure, { meter: this.#metered, refused: this.#refused });
      this.#heart.start(session.heartbeat_interval_ms || FIRST_BEAT_MS);
      this.#play();
    } catch (error) {
      this.#stopped(Problem.of(error));
    }
  }

  /** Go on after a deposit or a failure, without a new session if the old one still lives. */
  async revive(video: Video): Promise<void> {
    if (!this.session || !this.#playback) return this.start(video, this.position_ms);
    this.#goOn();
  }

  /** The finished video has more qualities: take its new playlist where it stands, unless the rest is here already. */
  async refreshSource(): Promise<void> {
    if (!this.session || !this.#playback || !["starting", "playing", "paused"].includes(this.state)) return;
    const { media, session } = this;
    this.#stale = !media.paused && !media.seeking && bufferAhead(media) > media.duration - media.currentTime - 0.5;
    if (this.#stale) return;
    try {
      const { url } = await api.streamUrl(session.session_id);
      this.frozen();
      this.#swap(url);
    } catch {
      // The old playlist plays on meanwhile.
      window.setTimeout(() => this.session === session && void this.refreshSource(), SWAP_AGAIN_MS);
    }
  }

  #swap(url: string): void {
    this.#place.keep();
    this.#playback?.swap(url, this.position_ms / 1000);
  }

  /** The page goes away: end the session without waiting. */
  leave(): void {
    if (!this.session || this.state === "ended") return;
    api.endSessionNow(this.session.session_id, this.position_ms);
    this.#ended(new Problem(410, "session_ended", "You left this page."));
  }

  beat(): void {
    this.#heart?.soon();
  }

  readonly #metered = (meter: Meter): void => {
    this.meter = meter;
    account.setBalance(meter.balance);
    const enough = (meter.minutes_left ?? 1) > (meter.final ? LEAST_MINUTES : 0);
    if (!meter.is_active) this.#refused(new Problem(410, "session_ended", "This session was ended."));
    else if (this.state === "spent" && enough) this.#goOn();
    else this.changed();
  };

  #goOn(): void {
    this.#set("starting");
    this.#unpaid = null;
    this.#grace.begin();
    this.#playback?.resume();
    this.#play();
  }

  readonly #refused = (problem: Problem): void => {
    if (problem.status === 402) this.#out(problem);
    else if (problem.code === "bad_token" && !this.#renewed) void this.#renew();
    else if (problem.code === "session_ended" || [404, 410].includes(problem.status)) this.#ended(problem);
    else this.#broken(problem);
  };

  readonly #broken = (problem: Problem): void => this.#stopped(problem);

  /** No money for more: what is fetched plays out first. */
  #out(problem: Problem): void {
    if (this.#grace.holds(() => this.#playback?.resume())) return;
    this.#unpaid = problem;
    this.#playback?.stop();
    if (isDry(this.media)) this.#spend();
  }

  #spend(): void {
    this.#set("spent", this.#unpaid); // before pausing, so that the pause is not taken for the viewer's
    this.media.pause();
  }

  async #renew(): Promise<void> {
    this.#renewed = true;
    try {
      const { url } = await api.streamUrl(this.session?.session_id ?? "");
      this.#swap(url);
    } catch (error) {
      this.#ended(Problem.of(error));
    }
  }

  #play(): void {
    this.media.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#set("paused");
    });
  }

  #playing(): void {
    this.#experience.moving();
    if (this.state === "starting" || this.state === "paused") {
      this.#set("playing");
      this.#heart?.soon();
    }
  }

  #paused(): void {
    this.#experience.settle();
    if (this.state !== "playing" || this.media.ended) return;
    this.#set("paused");
    this.#heart?.soon();
    if (this.#stale) void this.refreshSource();
  }

  #waiting(): void {
    this.#experience.waiting(this.media.seeking);
    if (this.#unpaid && isDry(this.media)) this.#spend();
  }

  #seeking(): void {
    this.#experience.settle();
    this.#heart?.soon();
    if (this.#stale) void this.refreshSource();
  }

  async #finished(): Promise<void> {
    const { session, position_ms } = this;
    this.#ended(null);
    if (!session) return;
    try {
      this.receipt = await api.endSession(session.session_id, position_ms);
    } catch {
      // Without an answer the sweeper ends the session; there is just no receipt to show.
    }
    await account.refreshWallet();
    const balance = account.wallet?.balance ?? this.meter?.balance ?? 0;
    if (this.meter) this.meter = { ...this.meter, ...this.receipt, balance };
    this.changed();
  }

  #ended(problem: Problem | null): void {
    this.#heart?.stop();
    this.#playback?.stop();
    this.#set("ended", problem);
    this.media.pause();
  }

  #stopped(problem: Problem): void {
    this.#playback?.stop();
    const spent = problem.status === 402;
    if (spent) void account.refreshWallet();
    this.#set(spent ? "spent" : "error", problem);
    this.media.pause();
  }

  #close(): void {
    if (this.session && this.state !== "ended") api.endSessionNow(this.session.session_id, this.position_ms);
    this.#grace.end();
    this.#heart?.stop();
    this.#playback?.close();
    this.#heart = this.#playback = this.session = this.receipt = null;
    this.#unpaid = null;
    this.#renewed = this.#stale = false;
  }

  #set(state: State, problem: Problem | null = null): void {
    this.state = state;
    this.problem = problem;
    this.changed();
  }
}
