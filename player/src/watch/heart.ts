/** Heartbeats of one session: at the interval the server names, and soon after a pause, a seek or a change of tabs. */
import * as api from "../api.ts";
import type { Beat, Meter } from "../model.ts";
import { Problem } from "../problem.ts";

const SOON_MS = 400;
const LEAST_GAP_MS = 2000;

export interface Pulse {
  meter(meter: Meter): void;
  refused(problem: Problem): void;
}

export class Heart {
  #timer = 0;
  #soon = 0;
  #beating = false;
  #lastAt = 0;

  constructor(
    private readonly sessionId: string,
    private readonly measure: () => Beat,
    private readonly pulse: Pulse,
  ) {}

  start(every_ms: number): void {
    this.stop();
    this.#timer = window.setInterval(() => void this.beat(), every_ms);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#soon = 0;
  }

  /** A burst of seeks makes one beat. */
  soon(): void {
    if (this.#soon) return;
    const gap = Math.max(SOON_MS, this.#lastAt + LEAST_GAP_MS - performance.now());
    this.#soon = window.setTimeout(() => {
      this.#soon = 0;
      void this.beat();
    }, gap);
  }

  /** A beat that gets no answer is simply missed: the session lives on for 90 s. */
  async beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    this.#lastAt = performance.now();
    try {
      this.pulse.meter(await api.heartbeat(this.sessionId, this.measure()));
    } catch (error) {
      const problem = Problem.of(error);
      if ([402, 404, 410].includes(problem.status)) this.pulse.refused(problem);
    } finally {
      this.#beating = false;
    }
  }
}
