/** One row of the queue. */
import { html, nothing, type TemplateResult } from "lit";
import { errorOf, isLive, jobButtons, KINDS, leftOf, speedOf, unitsOf } from "../components/job.ts";
import { progress } from "../components/progress.ts";
import type { Job, JobAction } from "../model.ts";
import { formatAgo, formatDuration } from "../time.ts";
import { LEAST, MOST } from "./priority.ts";

/** What the row leads to; `prioritise` gets the text as typed. */
export interface Acts {
  change(job: Job, what: JobAction): void;
  prioritise(job: Job, text: string): void;
}

export function row(job: Job, acts: Acts): TemplateResult {
  const name = titleOf(job);
  return html`<tr role="row" data-test="job" data-job=${job.id} data-state=${job.state}>
    <td role="cell" data-label="Video" class="cell-title"><span><a href="/watch?v=${videoId(job)}">${name}</a><br />
      <span class="small soft">${job.media_ms ? `${formatDuration(job.media_ms)}, ` : ""}queued ${formatAgo(job.queued_at)}</span></span></td>
    <td role="cell" data-label="State"><span><span class="badge" data-kind=${KINDS[job.state]} data-test="job-state">${job.state}</span>${error(job)}</span></td>
    <td role="cell" data-label="Progress" class="cell-progress">${bar(job, name)}</td>
    <td role="cell" data-label="Speed" class="number nowrap">${speedOf(job)}</td>
    <td role="cell" data-label="Left" class="number nowrap">${leftOf(job)}</td>
    <td role="cell" data-label="Attempts" class="number">${job.attempts}</td>
    <td role="cell" data-label="Workers" class="small">${(job.workers ?? []).join(", ")}</td>
    <td role="cell" data-label="Priority" class="number">${priority(job, name, acts)}</td>
    <td role="cell" data-label="" class="end">${jobButtons(job, name, (what) => acts.change(job, what))}</td>
  </tr>`;
}

export const titleOf = (job: Job) => (typeof job.video === "number" ? `Video ${job.video}` : job.video.title);
export const videoId = (job: Job) => (typeof job.video === "number" ? job.video : job.video.id);

function bar(job: Job, name: string): TemplateResult {
  return html`<div class="stack stack-small">
    ${progress(`Progress of ${name}`, job.progress, "job-progress")}
    <span class="small soft number" data-test="job-units">${unitsOf(job)}</span>
  </div>`;
}

/** Higher goes first. The field shows what the server has, except while it is being typed in. */
function priority(job: Job, name: string, acts: Acts): TemplateResult {
  if (!isLive(job.state)) return html`${job.priority}`;
  const changed = (event: Event) => {
    const input = event.target as HTMLInputElement;
    acts.prioritise(job, input.value);
    input.value = String(job.priority); // until the server has it
  };
  return html`<input class="priority" type="number" min=${LEAST} max=${MOST} step="10" inputmode="numeric"
    data-test="job-priority" aria-label="Priority of ${name}, from ${LEAST} to ${MOST}" .value=${String(job.priority)}
    @change=${changed} />`;
}

function error(job: Job): TemplateResult | typeof nothing {
  const text = errorOf(job);
  return text ? html`<br /><span class="small field-error" data-test="job-error">${text}</span>` : nothing;
}
