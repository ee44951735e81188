/** What one session cost and why: its parts along the film, the arithmetic, and where in the logs it comes from. */
import "../components/header.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import type { Proof } from "../accounts.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { formatFull, formatMinor } from "../money.ts";
import { titlesOf } from "../statement/titles.ts";
import { formatExactDuration, formatUtc } from "../time.ts";
import { bookings, files } from "./log.ts";
import { NAMES, parts, timeline } from "./timeline.ts";

@customElement("proof-page")
export class ProofPage extends LightElement {
  @state() private found: Proof | null = null;
  @state() private film = "";
  @state() private failed: unknown = null;
  private readonly session = new URLSearchParams(location.search).get("session") ?? "";

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void account.load().then((user) => user && this.load());
  }

  override render(): TemplateResult {
    return html`<div class="stack stack-large"><h1>Proof of a charge</h1>${this.content()}</div>`;
  }

  private content(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user)
      return notice(
        "info",
        html`<a href=${signInHref()} data-test="signin-link">Sign in</a> to see what you were charged for.`,
      );
    if (this.failed) return failure(this.failed, () => void this.load());
    if (!this.found) return html`<p class="soft" role="status">Loading…</p>`;
    return this.proof(this.found);
  }

  private proof(found: Proof): TemplateResult {
    return html`
      <p><a href="/watch?v=${found.video_id}">${this.film || `Video ${found.video_id}`}</a>, begun ${formatUtc(found.started_at)}
        ${found.state === "ended" ? nothing : html` <span class="badge" data-kind="busy">not ended yet</span>`}</p>
      <section class="panel stack" aria-labelledby="film"><h2 id="film">What you received of the film</h2>
        ${timeline(found)}
        ${
          found.intervals.exact
            ? nothing
            : notice(
                "info",
                "You watched this video in several places at once. Which of them received a part first is in the log; lengths and amounts are exact.",
              )
        }
        ${this.parts(found)}
      </section>
      ${this.arithmetic(found)} ${watches(found)}
      <section class="panel stack" aria-labelledby="log"><h2 id="log">Where this comes from</h2>
        <p class="small soft">Every charge comes from a stretch of the delivery log, named by file and byte. Once a file is closed, its
          SHA-256 is kept, so that nobody can change it unnoticed.
          ${
            found.reconciled_through
              ? `Checked by separate code through ${formatUtc(found.reconciled_through)}.`
              : "Not yet checked by the nightly reconciliation."
          }</p>
        ${bookings(found)} ${files(found.log)}
      </section>`;
  }

  private parts(found: Proof): TemplateResult {
    const rows = parts(found);
    if (rows.length === 0) return html`<p class="empty">Nothing of the film was delivered in this session.</p>`;
    return html`<details ?open=${rows.length <= 12}><summary>The parts as a table</summary>
      <table class="dense" data-test="parts"><caption class="hidden-visually">Parts of the film</caption>
        <thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">Length</th><th scope="col">Result</th></tr></thead>
        <tbody>${rows.map(
          ({
            fate,
            part: [start, end],
          }) => html`<tr data-fate=${fate}><td class="number">${formatExactDuration(start)}</td>
            <td class="number">${formatExactDuration(end)}</td><td class="number">${formatExactDuration(end - start)}</td>
            <td>${NAMES[fate]}</td></tr>`,
        )}</tbody></table></details>`;
  }

  private arithmetic({ arithmetic: sums, currency, price_per_minute }: Proof): TemplateResult {
    const price = formatMinor(price_per_minute, currency);
    return html`<section class="panel stack" aria-labelledby="sums"><h2 id="sums">The arithmetic</h2>
      <table data-test="arithmetic"><caption class="hidden-visually">Arithmetic</caption><tbody>
        ${line("Received", formatExactDuration(sums.delivered_ms))}
        ${sums.preview_ms ? line("less the free preview", `− ${formatExactDuration(sums.preview_ms)}`) : nothing}
        ${line("less what was free: paid within 24 hours before, or without a price", `− ${formatExactDuration(sums.free_ms)}`)}
        ${line("less what was forgiven: sent, but not played", `− ${formatExactDuration(sums.forgiven_ms)}`)}
        ${line("To pay for", formatExactDuration(sums.payable_ms))}
        ${line(`${(sums.payable_ms / 1000).toFixed(3)} s at ${price} per 60 s, rounded down to a millionth`, formatFull(sums.due_micros, currency))}
        ${line("Charged", formatFull(sums.charged_micros, currency), "charged", sums.charged_micros)}
        ${sums.refunded_micros ? line("Refunded", `− ${formatFull(sums.refunded_micros, currency)}`) : nothing}
        ${line("You paid", formatFull(sums.paid_micros, currency), "paid", sums.paid_micros)}
      </tbody></table>
      ${
        Math.abs(sums.charged_micros - sums.due_micros) > 1
          ? html`<p class="small soft">Your balance did not cover everything that was sent; the rest is the platform's loss. The
              account of the 24 hours below adds up exactly.</p>`
          : nothing
      }</section>`;
  }

  private async load(): Promise<void> {
    try {
      this.found = await api.proof(this.session);
      this.failed = null;
      this.film = (await titlesOf([this.found.video_id])).get(this.found.video_id) ?? "";
    } catch (error) {
      this.failed = error;
    }
  }
}

function line(label: string, value: string, test?: string, micros?: number): TemplateResult {
  return html`<tr><th scope="row">${label}</th><td class="end number nowrap" data-test=${test ?? nothing} data-micros=${micros ?? nothing}>${value}</td></tr>`;
}

function watches({ watches: found, currency }: Proof): TemplateResult {
  const heads = ["24 hours from (UTC)", "Seen once", "Forgiven", "Due", "Charged", "Not collected"];
  return html`<section class="panel stack" aria-labelledby="watches"><h2 id="watches">24 hours of this video, all sessions together</h2>
    <table class="cards" role="table" data-test="watches"><caption class="hidden-visually">Watches</caption>
      <thead role="rowgroup"><tr role="row">${heads.map((head) => html`<th role="columnheader" scope="col">${head}</th>`)}</tr></thead>
      <tbody role="rowgroup">${found.map(
        (watch) => html`<tr role="row" data-balanced=${watch.balanced}>
          <td role="cell" data-label=${heads[0]}>${watch.opened_at ? formatUtc(watch.opened_at) : "not begun"}</td>
          <td role="cell" data-label=${heads[1]} class="number">${formatExactDuration(Math.max(watch.seen_ms, watch.claimed_ms))}</td>
          <td role="cell" data-label=${heads[2]} class="number">${formatExactDuration(watch.forgiven_ms)}</td>
          <td role="cell" data-label=${heads[3]} class="number">${formatFull(watch.due_micros, currency)}</td>
          <td role="cell" data-label=${heads[4]} class="number">${formatFull(watch.charged_micros, currency)}</td>
          <td role="cell" data-label=${heads[5]} class="number">${formatFull(watch.uncollected_micros, currency)}</td></tr>`,
      )}</tbody></table>
    <p class="small soft">Due = charged + not collected, to the last digit${found.every((watch) => watch.balanced) ? "." : ": this does not hold here. Please tell the platform's operator."}</p></section>`;
}
