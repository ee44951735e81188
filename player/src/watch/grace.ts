/** After a deposit the gateway's verdict may still be the old one for some seconds: a refusal is asked about again. */
const GRACE_MS = 20_000;
const ASK_EVERY_MS = 1000;

export class Grace {
  #until = 0;
  #timer = 0;

  begin(): void {
    this.#until = performance.now() + GRACE_MS;
  }

  /** Whether a refusal may be the old verdict; if so `ask` is called in a moment. */
  holds(ask: () => void): boolean {
    clearTimeout(this.#timer);
    if (performance.now() >= this.#until) return false;
    this.#timer = window.setTimeout(ask, ASK_EVERY_MS);
    return true;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#until = 0;
  }
}
