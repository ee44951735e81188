/** Where the video stands, also while its source is exchanged: the element then says 0 until it plays or has sought. */
export class Place {
  #kept: number | null = null;

  constructor(private readonly media: HTMLMediaElement) {
    for (const type of ["playing", "seeked"]) {
      media.addEventListener(type, () => {
        this.#kept = null;
      });
    }
  }

  get ms(): number {
    return this.#kept ?? Math.round(this.media.currentTime * 1000);
  }

  /** The source is about to go. */
  keep(): void {
    this.#kept = this.ms;
  }
}
