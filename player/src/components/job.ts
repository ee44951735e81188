/** What is said of a job and done with it, on the operator's queue and beside an uploader's own video. */
import { html, nothing, type TemplateResult } from "lit";
import type { Job, JobAction, JobState } from "../model.ts";
import { formatEta } from "../time.ts";
import type { Kind } from "./notice.ts";

export const KINDS: Record<JobState, Kind | "busy"> = {
  queued: "info",
  running: "busy",
  paused: "warn",
  done: "good",
  failed: "bad",
  cancelled: "info",
};

const ACTIONS: Record<JobState, JobAction[]> = {
  queued: ["pause", "cancel"],
  running: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  done: [],
  failed: ["retry"],
  cancelled: ["retry"],
};

const LABELS: Record<JobAction, string> = { pause: "Pause", resume: "Continue", cancel: "Cancel", retry: "Try again" };

export const isLive = (state: JobState) => ACTIONS[state].includes("cancel");

/** The buttons that make sense now; `name` tells a screen reader whose they are. */
export function jobButtons(job: Job, name: string, act: (what: JobAction) => void): TemplateResult | typeof nothing {
  const actions = ACTIONS[job.state];
  if (actions.length === 0) return nothing;
  return html`<div class="row" role="group" aria-label="Preparing ${name}">${actions.map(
    (what) =>
      html`<button class="button" type="button" data-test="job-${what}" aria-label="${LABELS[what]}: ${name}" @click=${() => act(what)}>${LABELS[what]}</button>`,
  )}</div>`;
}

/** "12 of 40 units, 2 running" */
export function unitsOf({ units }: Job): string {
  const { done, total, running, failed } = units;
  return `${done} of ${total} units${running ? `, ${running} running` : ""}${failed ? `, ${failed} failed` : ""}`;
}

/** Media time made per second; nothing unless it runs. */
export function speedOf({ state, speed }: Job): string {
  return state === "running" && speed ? `${speed.toFixed(1)}×` : "";
}

export function leftOf({ state, eta_ms }: Job): string {
  return state === "running" && eta_ms !== null ? formatEta(eta_ms) : "";
}

export function errorOf({ error }: Job): string {
  return typeof error === "string" ? error : (error?.message ?? "");
}
