/** The running account below the picture: what this viewing has cost, what is left, and an early warning. */
import { html, nothing, type TemplateResult } from "lit";
import { account } from "../account.ts";
import { notice } from "../components/notice.ts";
import type { Meter, Video } from "../model.ts";
import { formatExact, formatMinor } from "../money.ts";
import { formatDuration, formatMinutesLeft, speakDuration } from "../time.ts";
import type { Viewing } from "./viewing.ts";

export function meterLine(viewing: Viewing, video: Video): TemplateResult | typeof nothing {
  const { meter, session } = viewing;
  if (!meter || !session) return nothing;
  const currency = video.currency ?? account.currency;
  return html`<section aria-label="Cost of this viewing" class="panel" data-test="meter">
    <dl class="meter">
      ${figure("Cost so far", "cost", cost(meter, currency))}
      ${figure("Video received", "delivered", formatDuration(meter.delivered_ms))}
      ${figure("Balance", "meter-balance", formatMinor(meter.balance, currency))}
      ${figure("Enough for", "minutes-left", formatMinutesLeft(meter.minutes_left))}
      ${figure("Per minute", "meter-price", session.price_per_minute ? formatMinor(session.price_per_minute, currency) : "Free")}
    </dl>
    ${warning(meter, viewing)}
  </section>`;
}

function figure(label: string, test: string, value: string): TemplateResult {
  return html`<div><dt>${label}</dt><dd data-test=${test}>${value}</dd></div>`;
}

function cost(meter: Meter, currency: string): string {
  if (meter.charged_micros !== undefined) return formatExact(meter.charged_micros, currency);
  return formatMinor(meter.charged, currency);
}

function warning(meter: Meter, viewing: Viewing): TemplateResult | typeof nothing {
  if (viewing.state !== "playing" && viewing.state !== "paused") return nothing;
  if (!meter.low_balance && !meter.final) return nothing;
  const { limited } = meter;
  const text = limited ? LIMIT_WORDS : BALANCE_WORDS;
  const way = limited
    ? html`<a href="/wallet" target="_blank">Change the limit in your wallet</a>`
    : html`<details data-test="top-up"><summary>Add money without leaving the video</summary><s-deposit></s-deposit></details>`;
  return notice("warn", html`${previews(viewing) ?? (meter.final ? text.final : text.low)} ${way}`, "low-balance");
}

const BALANCE_WORDS = {
  final: "Your balance is used up: what is already loaded still plays.",
  low: "Your balance is running low.",
};
const LIMIT_WORDS = {
  final: "Your daily limit is reached: what is already loaded still plays.",
  low: "Your daily limit is nearly reached.",
};

/** Within a preview nothing is used up. */
function previews({ session, position_ms }: Viewing): string | null {
  const preview_ms = session?.preview_ms ?? 0;
  if (position_ms >= preview_ms) return null;
  return `The first ${speakDuration(preview_ms)} are free. There is not enough to watch on after them.`;
}
