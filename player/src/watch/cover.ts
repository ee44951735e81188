/** What lies over the picture when the video isn't playing: an offer, a reason, a way on. */
import "../components/deposit.ts";
import { html, nothing, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import { account, signInHref } from "../account.ts";
import { statusWords, watchable } from "../components/card.ts";
import { playIcon } from "../components/icons.ts";
import { progress } from "../components/progress.ts";
import type { Video } from "../model.ts";
import { formatMinor, formatPrice } from "../money.ts";
import { formatDuration, formatMinutesLeft, speakDuration } from "../time.ts";
import type { State, Viewing } from "./viewing.ts";

/** What the buttons do; the player element. */
export interface Actions {
  play(position_ms: number): void;
  goOn(): void;
  takeOver(): Promise<void>;
}

/** Offered only when enough was watched and enough is left. */
const RESUME_LEAST_MS = 10_000;

export const needsCover = (state: State) => state !== "playing" && state !== "paused";

export function cover(viewing: Viewing, video: Video, resume_ms: number, actions: Actions): TemplateResult {
  const poster = viewing.state === "idle" && video.poster_url;
  const shade = "linear-gradient(rgb(10 12 11 / 45%), rgb(10 12 11 / 80%))";
  const style = styleMap(poster ? { backgroundImage: `${shade}, url("${encodeURI(poster)}")` } : {});
  return html`<div class="cover" style=${style} data-test="cover">${content(viewing, video, resume_ms, actions)}</div>`;
}

function content(viewing: Viewing, video: Video, resume_ms: number, actions: Actions): TemplateResult {
  switch (viewing.state) {
    case "spent":
      return spent(viewing, video, actions);
    case "ended":
      return viewing.problem ? cut(viewing, actions) : over(viewing, video, actions);
    case "error":
      return error(viewing, actions);
    case "idle":
      return idle(video, resume_ms, actions);
    default:
      return html`<div role="status"><div class="spinner"></div><span class="hidden-visually">Starting…</span></div>`;
  }
}

function idle(video: Video, resume_ms: number, actions: Actions): TemplateResult {
  if (!watchable(video)) return preparing(video);
  if (!account.known) return html``;
  if (!account.user) {
    return html`<div class="cover-box">
      <p data-test="price">${price(video)}</p>
      <a class="button button-main" href=${signInHref()} data-test="signin-link">Sign in to watch</a>
    </div>`;
  }
  const resumes = resume_ms > RESUME_LEAST_MS && resume_ms < video.duration_ms - RESUME_LEAST_MS;
  return html`<div class="cover-box">
    <button class="button button-main big" type="button" data-test="play" aria-label=${resumes ? `Continue at ${speakDuration(resume_ms)}` : "Play"}
      @click=${() => actions.play(resumes ? resume_ms : 0)}>${playIcon}</button>
    ${
      resumes
        ? html`<p class="row">Continue at ${formatDuration(resume_ms)} or
            <button class="button" type="button" data-test="play-start" @click=${() => actions.play(0)}>start from the beginning</button></p>`
        : nothing
    }
    <p class="number" data-test="price">${price(video)}</p>
    <p class="small number" data-test="afford">${afford(video)}</p>
  </div>`;
}

function preparing(video: Video): TemplateResult {
  const bar =
    video.status === "failed"
      ? nothing
      : html`<div style="width: 14rem; max-width: 100%">${progress("Preparing", video.progress)}</div>`;
  return html`<div class="cover-box" role="status" data-test="not-playable">
    <p>${video.status === "failed" ? "This video could not be prepared." : "This video is not playable yet."}</p>
    ${bar}
    <p class="small">${statusWords(video)}</p>
  </div>`;
}

const own = (video: Video) => account.user?.id === video.uploaded_by;

function price(video: Video): string {
  if (own(video)) return "Your own video: free for you";
  const perMinute = formatPrice(video.price_per_minute, video.currency ?? account.currency);
  return video.price_per_minute && video.preview_ms
    ? `${perMinute}, the first ${speakDuration(video.preview_ms)} free`
    : perMinute;
}

/** The balance, and how far it goes at this price. */
function afford(video: Video): string {
  const { wallet } = account;
  if (!wallet || own(video) || video.price_per_minute === 0) return "";
  const minutes = Math.floor(wallet.available / video.price_per_minute);
  return `Your balance of ${formatMinor(wallet.balance, wallet.currency)} is good for ${formatMinutesLeft(minutes)}.`;
}

function spent(viewing: Viewing, video: Video, actions: Actions): TemplateResult {
  const { problem, session } = viewing;
  const here = viewing.position_ms > 0 ? ` Your place at ${formatDuration(viewing.position_ms)} is kept.` : "";
  const limited = problem?.code === "daily_limit";
  const previewed = !limited && here && !viewing.meter?.charged && session?.preview_ms;
  const used = here ? "Your balance is used up" : "Your balance is too small";
  const title = limited ? "Your daily limit is reached" : previewed ? "The free preview ends here" : used;
  const text = previewed
    ? `Watching on costs ${formatPrice(video.price_per_minute, video.currency ?? account.currency)}.`
    : (problem?.message ?? "Watching on needs money in your wallet.");
  return html`<div class="cover-panel stack" data-test="spent" data-code=${problem?.code ?? ""}>
    <h2 tabindex="-1">${title}</h2>
    <p role="alert" data-test="panel-text">${text}${here}</p>
    ${limited ? raise(actions) : top(here ? "goes on" : "starts", actions)}
  </div>`;
}

function top(what: string, actions: Actions): TemplateResult {
  return html`<p class="small soft">After the deposit the video ${what} by itself.</p>
    <s-deposit @deposited=${() => actions.goOn()}></s-deposit>`;
}

function raise(actions: Actions): TemplateResult {
  void import("../wallet/limit.ts").catch(() => undefined);
  return html`<s-limit @limited=${() => actions.goOn()}></s-limit>`;
}

/** The session was ended by someone or something else. */
function cut(viewing: Viewing, actions: Actions): TemplateResult {
  return html`<div class="cover-panel stack" data-test="session-ended">
    <h2 tabindex="-1">This session was ended</h2>
    <p role="alert" data-test="panel-text">${viewing.problem?.message}</p>
    <div><button class="button button-main" type="button" data-test="start-again" @click=${() => actions.goOn()}>
      Continue at ${formatDuration(viewing.position_ms)}</button></div>
  </div>`;
}

function over(viewing: Viewing, video: Video, actions: Actions): TemplateResult {
  const { receipt } = viewing;
  const currency = video.currency ?? account.currency;
  const sent = receipt ? `You were sent ${speakDuration(receipt.delivered_ms)} of video` : "";
  const paid = receipt?.charged
    ? `${sent} and paid ${formatMinor(receipt.charged, currency)}. Watching it again within 24 hours is free.`
    : sent && `${sent}.`;
  return html`<div class="cover-panel stack" data-test="finished">
    <h2 tabindex="-1">The end</h2>
    <p role="status" data-test="receipt">${paid}</p>
    ${receipt?.charged ? html`<p class="small"><a href="/proof?session=${receipt.session_id}">How this adds up</a></p>` : nothing}
    <div class="row">
      <button class="button button-main" type="button" data-test="play-again" @click=${() => actions.play(0)}>Play again</button>
      <a class="button" href="/">More videos</a>
    </div>
  </div>`;
}

function error(viewing: Viewing, actions: Actions): TemplateResult {
  const tooMany = viewing.problem?.code === "too_many_sessions";
  const fatal = viewing.problem?.code === "unsupported" || viewing.problem?.status === 404;
  return html`<div class="cover-panel stack" data-test="player-error" data-code=${viewing.problem?.code ?? ""}>
    <h2 tabindex="-1">${tooMany ? "You are watching elsewhere" : "The video does not play"}</h2>
    <p role="alert" data-test="panel-text">${viewing.problem?.message}</p>
    <div class="row">
      ${fatal ? nothing : html`<button class="button button-main" type="button" data-test="try-again" @click=${() => actions.goOn()}>Try again</button>`}
      ${
        tooMany
          ? html`<button class="button" type="button" data-test="take-over" @click=${() => void actions.takeOver()}>
              Stop the others and play here</button>`
          : nothing
      }
    </div>
  </div>`;
}
