/** What is fetched around a jump. Each request counts against the session's allowance, and each second that arrives may
 * have to be paid for; somebody who is still looking for a place wants neither. */
const HURRY_MS = 150;
const DOUBT_MS = 400;
const CALM_MS = 3000;
const SHALLOW_S = 4; // a segment

export interface Loader {
  pauseBuffering(): void;
  resumeBuffering(): void;
  readonly config: { maxMaxBufferLength: number };
}

export class Settling {
  readonly #depth: number;
  #movedAt = -Infinity;
  #pictureless = false;
  #still: ReturnType<typeof setTimeout> | undefined;
  #calm: ReturnType<typeof setTimeout> | undefined;

  /** To be made before the loader hears of the media: else it asks for the place just passed over. */
  constructor(
    private readonly media: EventTarget,
    private readonly loader: Loader,
  ) {
    this.#depth = loader.config.maxMaxBufferLength;
    media.addEventListener("seeking", this.#move);
    media.addEventListener("seeked", this.#arrive);
  }

  close(): void {
    this.media.removeEventListener("seeking", this.#move);
    this.media.removeEventListener("seeked", this.#arrive);
    clearTimeout(this.#still);
    clearTimeout(this.#calm);
  }

  /** A single jump is fetched at once, but not far ahead until it turns out to be where the viewer stays. */
  readonly #move = (): void => {
    const now = performance.now();
    const since = now - this.#movedAt;
    this.#movedAt = now;
    // Dragged, or a key held; or moved on before there was a picture, when what is asked for may have to wait its turn.
    const patience = this.#pictureless ? DOUBT_MS : HURRY_MS;
    if (since < patience) this.#waitUntilStill(patience);
    this.#pictureless = true;
    this.loader.config.maxMaxBufferLength = SHALLOW_S;
    clearTimeout(this.#calm);
    this.#calm = setTimeout(() => {
      this.loader.config.maxMaxBufferLength = this.#depth;
    }, CALM_MS);
  };

  readonly #arrive = (): void => {
    this.#pictureless = false;
  };

  #waitUntilStill(patience: number): void {
    this.loader.pauseBuffering();
    clearTimeout(this.#still);
    this.#still = setTimeout(() => this.loader.resumeBuffering(), patience);
  }
}
