/** One row of the queue. */
import { html, nothing, type TemplateResult } from "lit";
import type { Kind } from "../components/notice.ts";
import { progress } from "../components/progress.ts";
import type { Job, JobState } from "../model.ts";
import { formatAgo, formatDuration, formatEta } from "../time.ts";

const KINDS: Record<JobState, Kind | "busy"> = {
  queued: "info",
  running: "busy",
  paused: "warn",
  done: "good",
  failed: "bad",
  cancelled: "info",
};

export function row(job: Job, act: (what: "cancel" | "retry") => void): TemplateResult {
  const name = title(job);
  const speed = job.state === "running" && job.speed ? `${job.speed.toFixed(1)}×` : "";
  return html`<tr role="row" data-test="job" data-job=${job.id} data-state=${job.state}>
    <td role="cell" data-label="Video" class="cell-title"><span><a href="/watch?v=${videoId(job)}">${name}</a><br />
      <span class="small soft">${job.media_ms ? `${formatDuration(job.media_ms)}, ` : ""}queued ${formatAgo(job.queued_at)}</span></span></td>
    <td role="cell" data-label="State"><span><span class="badge" data-kind=${KINDS[job.state]} data-test="job-state">${job.state}</span>${error(job)}</span></td>
    <td role="cell" data-label="Progress" class="cell-progress">${bar(job, name)}</td>
    <td role="cell" data-label="Speed" class="number nowrap">${speed}</td>
    <td role="cell" data-label="Left" class="number nowrap">${job.state === "running" && job.eta_ms !== null ? formatEta(job.eta_ms) : ""}</td>
    <td role="cell" data-label="Attempts" class="number">${job.attempts}</td>
    <td role="cell" data-label="Workers" class="small">${(job.workers ?? []).join(", ")}</td>
    <td role="cell" data-label="" class="end">${button(job, name, act)}</td>
  </tr>`;
}

const title = (job: Job) => (typeof job.video === "number" ? `Video ${job.video}` : job.video.title);
const videoId = (job: Job) => (typeof job.video === "number" ? job.video : job.video.id);

function bar(job: Job, name: string): TemplateResult {
  const { done, total, running, failed } = job.units;
  return html`<div class="stack stack-small">
    ${progress(`Progress of ${name}`, job.progress, "job-progress")}
    <span class="small soft number" data-test="job-units">${done} of ${total} units${running ? `, ${running} running` : ""}${failed ? `, ${failed} failed` : ""}</span>
  </div>`;
}

function button(job: Job, name: string, act: (what: "cancel" | "retry") => void): TemplateResult | typeof nothing {
  if (job.state === "done") return nothing;
  const what = job.state === "failed" || job.state === "cancelled" ? "retry" : "cancel";
  const label = what === "retry" ? "Try again" : "Cancel";
  return html`<button class="button" type="button" data-test="job-${what}" aria-label="${label}: ${name}"
    @click=${() => act(what)}>${label}</button>`;
}

function error(job: Job): TemplateResult | typeof nothing {
  if (!job.error) return nothing;
  const text = typeof job.error === "string" ? job.error : job.error.message;
  return html`<br /><span class="small field-error" data-test="job-error">${text}</span>`;
}
