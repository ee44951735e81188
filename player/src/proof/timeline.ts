/** A session drawn along the film: a lane for each thing that became of what was delivered. */
import { html, svg, type TemplateResult } from "lit";
import type { Interval, Proof } from "../accounts.ts";
import { formatDuration, speakDuration } from "../time.ts";

export type Fate = "charged" | "free" | "forgiven" | "preview";
const ALWAYS: Fate[] = ["charged", "free", "forgiven"];
export const NAMES: Record<Fate, string> = {
  charged: "Paid",
  free: "Free",
  forgiven: "Forgiven",
  preview: "Free preview",
};

/** A preview has a lane where there is one. */
const fates = ({ intervals }: Proof): Fate[] => (intervals.preview?.length ? [...ALWAYS, "preview"] : ALWAYS);

const WIDTH = 1000;
/** What is shorter would not be seen. */
const LEAST = 2;

export interface Bar {
  x: number;
  width: number;
}

/** Where intervals stand on a line of `WIDTH` for a film of `film_ms`; none lies outside of it or has no width. */
export function bars(intervals: Interval[], film_ms: number): Bar[] {
  const scale = WIDTH / Math.max(1, film_ms);
  return intervals.map(([start, end]) => {
    const width = Math.min(WIDTH, Math.max(LEAST, (end - start) * scale));
    return { x: Math.min(WIDTH - width, Math.max(0, start * scale)), width };
  });
}

export function length(intervals: Interval[]): number {
  return intervals.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** The film's length, or where the last delivered part ends if nobody knows it. */
export function filmLength({ film_ms, intervals }: Proof): number {
  return Math.max(film_ms, ...intervals.delivered.map(([, end]) => end), 1);
}

/** All parts in the order of the film, each with what became of it. */
export function parts(proof: Proof): { fate: Fate; part: Interval }[] {
  const all = fates(proof).flatMap((fate) => proof.intervals[fate].map((part) => ({ fate, part })));
  return all.sort((one, other) => one.part[0] - other.part[0]);
}

export function timeline(proof: Proof): TemplateResult {
  const film_ms = filmLength(proof);
  return html`<figure class="timeline" data-test="timeline">
    ${fates(proof).map((fate) => lane(NAMES[fate], fate, proof.intervals[fate], film_ms))}
    ${lane("Received", "delivered", proof.intervals.delivered, film_ms)}
    <div class="timeline-axis small soft number" aria-hidden="true">${[0, 0.25, 0.5, 0.75, 1].map((at) => html`<span>${formatDuration(film_ms * at)}</span>`)}</div>
    <figcaption class="small soft">From the beginning of the film to its end.</figcaption>
  </figure>`;
}

function lane(name: string, fate: string, intervals: Interval[], film_ms: number): TemplateResult {
  const sum = length(intervals);
  return html`<span class="small">${name}</span>
    <svg viewBox="0 0 ${WIDTH} 24" preserveAspectRatio="none" role="img" data-fate=${fate}
      aria-label="${name}: ${speakDuration(sum)}${intervals.length > 1 ? ` in ${intervals.length} parts` : ""}">
      ${bars(intervals, film_ms).map((bar) => svg`<rect x=${bar.x} y="0" width=${bar.width} height="24"></rect>`)}
    </svg>
    <span class="small number end">${formatDuration(sum)}</span>`;
}
