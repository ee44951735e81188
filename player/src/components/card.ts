/** One video in a grid: poster, title, uploader, length, price; unfinished ones show how far they are. */
import { html, nothing, type TemplateResult } from "lit";
import { account } from "../account.ts";
import type { Video } from "../model.ts";
import { formatPrice } from "../money.ts";
import { formatAgo, formatDuration, speakDuration } from "../time.ts";
import { videoIcon } from "./icons.ts";
import { progress } from "./progress.ts";

export const watchable = (video: Video) => video.status === "playable" || video.status === "ready";

/** Status of a video in plain words. */
export function statusWords(video: Pick<Video, "status" | "error">): string {
  switch (video.status) {
    case "uploading":
      return "Uploading";
    case "queued":
      return "Waiting to be prepared";
    case "playable":
      return "Playable, better qualities are being made";
    case "ready":
      return "Ready";
    case "failed":
      return video.error?.message ?? "Could not be prepared";
  }
}

export function card(video: Video): TemplateResult {
  const title = watchable(video)
    ? html`<a href="/watch?v=${video.id}" data-test="card-link">${video.title}</a>`
    : video.title;
  return html`<li class="card" data-test="card" data-video=${video.id} data-status=${video.status}>
    <div class="card-picture">${picture(video)}${length(video)}</div>
    <h3>${title}</h3>
    <p class="small soft">
      <span data-test="card-uploader">${video.uploader_name}</span> · ${formatAgo(video.created_at)}
    </p>
    ${watchable(video) ? price(video) : nothing}
    ${unfinished(video)}
  </li>`;
}

function picture(video: Video): TemplateResult {
  if (!video.poster_url) return videoIcon;
  return html`<img src=${video.poster_url} alt="" loading="lazy" decoding="async" width="320" height="180" />`;
}

function length(video: Video): TemplateResult | typeof nothing {
  if (!video.duration_ms) return nothing;
  return html`<span class="card-time" data-test="card-duration"><span aria-hidden="true">${formatDuration(video.duration_ms)}</span
    ><span class="hidden-visually">${speakDuration(video.duration_ms)}</span></span>`;
}

function price(video: Video): TemplateResult {
  const text = formatPrice(video.price_per_minute, video.currency ?? account.currency);
  return html`<p class="small number" data-test="card-price" data-price=${video.price_per_minute}>${text}</p>`;
}

/** Others need not know that a video they can watch is still getting better. */
function unfinished(video: Video): TemplateResult | typeof nothing {
  const own = account.user?.id === video.uploaded_by;
  if (video.status === "ready" || (watchable(video) && !own)) return nothing;
  const bar =
    video.status === "failed" ? nothing : progress(`Preparing ${video.title}`, video.progress, "card-progress");
  return html`<div class="stack stack-small">
    ${bar}
    <p class="small" data-test="card-status">${statusWords(video)}</p>
  </div>`;
}
