/** How fast bytes go out: a smoothed speed, and the time that what is left will take. */

const SMOOTHING_MS = 5000;

export class Pace {
  bytesPerSecond: number | null = null;
  #at: number | null = null;
  #bytes = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** After a pause the old speed says nothing. */
  restart(): void {
    this.bytesPerSecond = null;
    this.#at = null;
  }

  note(sentBytes: number): void {
    const at = this.now();
    if (this.#at === null || sentBytes < this.#bytes) {
      this.#at = at;
      this.#bytes = sentBytes;
      return;
    }
    const elapsed = at - this.#at;
    if (elapsed < 250) return;
    const speed = ((sentBytes - this.#bytes) / elapsed) * 1000;
    const weight = this.bytesPerSecond === null ? 1 : 1 - Math.exp(-elapsed / SMOOTHING_MS);
    this.bytesPerSecond = (this.bytesPerSecond ?? 0) * (1 - weight) + speed * weight;
    this.#at = at;
    this.#bytes = sentBytes;
  }

  etaMs(leftBytes: number): number | null {
    return this.bytesPerSecond ? (leftBytes / this.bytesPerSecond) * 1000 : null;
  }
}
