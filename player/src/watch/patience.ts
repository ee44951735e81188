/** Notices that the viewer has been waiting for a picture for a while: the server holds a part that is still being made. */
const PATIENCE_MS = 1500;
const EVENTS = ["play", "pause", "playing", "waiting", "seeking", "seeked", "canplay", "emptied", "ended"];

type Media = EventTarget & Pick<HTMLMediaElement, "paused" | "seeking" | "ended" | "readyState">;

export class Patience {
  /** True while the wait is a long one. */
  tried = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly media: Media,
    private readonly changed: () => void,
  ) {
    for (const type of EVENTS) media.addEventListener(type, () => this.#look());
  }

  #look(): void {
    if (!isWaiting(this.media)) this.#rest();
    else this.#timer ??= setTimeout(() => this.#set(true), PATIENCE_MS);
  }

  #rest(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.tried) this.#set(false);
  }

  #set(tried: boolean): void {
    this.tried = tried;
    this.changed();
  }
}

/** Less than HAVE_FUTURE_DATA (3) while playing, or a seek that has no picture yet. */
function isWaiting({ paused, seeking, ended, readyState }: Media): boolean {
  return !ended && (seeking || (!paused && readyState < 3));
}
