/** The player: picture, controls, and a cover that says what is needed before, between and after playing. */
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import * as api from "../api.ts";
import { watchable } from "../components/card.ts";
import { LightElement } from "../components/light.ts";
import type { Video } from "../model.ts";
import { Problem } from "../problem.ts";
import { markChapters } from "./chapters.ts";
import { controls } from "./controls.ts";
import { cover, needsCover } from "./cover.ts";
import { Patience } from "./patience.ts";
import { loadHls } from "./playback.ts";
import { type State, Viewing } from "./viewing.ts";

const FROZEN_MOST_MS = 2000;

@customElement("s-player")
export class Player extends LightElement {
  @property({ attribute: false }) video!: Video;
  @state() private resume_ms = 0;
  @state() private freezing = false;
  readonly viewing = new Viewing(
    () => this.changed(),
    () => this.freeze(),
  );
  private readonly patience = new Patience(this.viewing.media, () => this.requestUpdate());
  private readonly still = document.createElement("canvas");
  private readonly gone = new AbortController();
  private shown: State = "idle";
  private marked = false;

  constructor() {
    super();
    new FollowsAccount(this);
    this.still.className = "frozen";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const { signal } = this.gone;
    window.addEventListener("pagehide", () => this.viewing.leave(), { signal });
    document.addEventListener("visibilitychange", () => this.viewing.beat(), { signal });
    for (const type of ["playing", "seeked"]) this.viewing.media.addEventListener(type, () => this.thaw(), { signal });
    this.viewing.menus.follow(() => this.requestUpdate(), signal);
    void this.findPosition();
    void loadHls().catch(() => undefined);
  }

  override disconnectedCallback(): void {
    this.gone.abort();
    this.viewing.leave();
    super.disconnectedCallback();
  }

  protected override willUpdate(changes: PropertyValues<this>): void {
    const before = changes.get("video") as Video | undefined;
    const { media } = this.viewing;
    if (this.video.poster_url) media.poster = this.video.poster_url;
    const board = this.video.storyboard_url;
    if (board && !media.querySelector("track[kind=metadata]")) media.append(storyboard(board));
    if (!this.marked && this.video.chapters?.length) {
      markChapters(media, this.video.chapters);
      this.marked = true;
    }
    if (before?.status === "playable" && this.video.status === "ready") void this.viewing.refreshSource();
    this.dataset.state = this.viewing.state;
    this.dataset.session = this.viewing.session?.session_id ?? "";
  }

  override render(): TemplateResult {
    const covered = needsCover(this.viewing.state);
    return html`<div class="stage" id="stage">
      ${controls(this.viewing.media, this.video.title, "stage", covered, this.viewing.menus.choices)}
      ${this.freezing ? this.still : nothing}
      ${covered ? cover(this.viewing, this.video, this.resume_ms, this) : nothing}
      <p class="waiting" role="status" data-test="waiting">${this.patience.tried ? this.waiting() : ""}</p>
    </div>`;
  }

  /** A panel that replaces the picture takes the focus, and gives it to the controls when the video goes on. */
  protected override updated(): void {
    const { state } = this.viewing;
    if (state === this.shown) return;
    const began = this.shown === "starting" && state === "playing";
    this.shown = state;
    if (["spent", "ended", "error"].includes(state)) this.querySelector<HTMLElement>(".cover h2")?.focus();
    else if (began && (document.activeElement ?? document.body) === document.body) this.focusControls();
  }

  private waiting(): string {
    return this.video.status === "playable" ? "Preparing this part of the film…" : "Loading…";
  }

  /** From a list of places in the film: a viewer who has not begun begins there. */
  jump(position_ms: number): void {
    const { media, state } = this.viewing;
    this.scrollIntoView({ block: "nearest" });
    if (state === "playing" || state === "paused") media.currentTime = position_ms / 1000;
    else if (state === "idle" && !account.user) location.assign(signInHref());
    else if (state !== "starting" && watchable(this.video)) this.play(position_ms);
  }

  /** What the buttons of the cover do. */
  play(position_ms: number): void {
    void this.viewing.start(this.video, position_ms);
  }

  /** Go on where the video stands: in the same session if it lives, else in a new one. */
  goOn(): void {
    const { viewing } = this;
    if (viewing.state === "ended") this.play(viewing.position_ms);
    else if (!viewing.session) this.play(viewing.position_ms || this.resume_ms);
    else void viewing.revive(this.video);
  }

  /** Too many sessions: end this user's others, each where it stands, then play here. */
  async takeOver(): Promise<void> {
    try {
      const { items } = await api.liveSessions();
      // An operator's list holds everybody's sessions.
      const own = items.filter((other) => other.user_id === account.user?.id);
      await Promise.all(own.map((other) => api.endSession(other.session_id)));
      this.play(this.resume_ms);
    } catch (error) {
      this.viewing.problem = Problem.of(error);
      this.requestUpdate();
    }
  }

  /** The keyboard works on the player at once: space or k, arrows, m, f, c. */
  private focusControls(): void {
    this.querySelector<HTMLElement>("media-play-button")?.focus({ preventScroll: true });
  }

  private changed(): void {
    this.requestUpdate();
    this.dispatchEvent(new Event("meter"));
  }

  private async findPosition(): Promise<void> {
    if (!(await account.load())) return;
    this.resume_ms = await api.resumePosition(this.video.id).catch(() => 0);
  }

  /** The last picture stays in sight while the source is exchanged. */
  private freeze(): void {
    const { media } = this.viewing;
    if (!media.videoWidth) return;
    this.still.width = media.videoWidth;
    this.still.height = media.videoHeight;
    this.still.getContext("2d")?.drawImage(media, 0, 0);
    this.freezing = true;
    setTimeout(() => this.thaw(), FROZEN_MOST_MS);
  }

  private thaw(): void {
    this.freezing = false;
  }
}

function storyboard(url: string): HTMLTrackElement {
  const track = document.createElement("track");
  Object.assign(track, { kind: "metadata", label: "thumbnails", src: url, default: true });
  return track;
}
