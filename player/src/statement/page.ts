/** One month of a wallet on a sheet that prints well: what was in it, what came and went, what is in it. */
import "../components/header.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import type { Charge, Item, Part, Statement } from "../accounts.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { formatFull, formatMicros, formatMinor } from "../money.ts";
import { formatDuration, formatMonth, formatUtc, monthOf } from "../time.ts";
import { titlesOf } from "./titles.ts";

@customElement("statement-page")
export class StatementPage extends LightElement {
  @state() private month = new URLSearchParams(location.search).get("month") ?? monthOf(new Date());
  @state() private found: Statement | null = null;
  @state() private titles: ReadonlyMap<number, string> = new Map();
  @state() private failed: unknown = null;
  private asked = 0;

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void account.load().then((user) => user && this.load());
  }

  override render(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user)
      return notice("info", html`<a href=${signInHref()} data-test="signin-link">Sign in</a> to see your statements.`);
    return html`<div class="stack stack-large statement">
      <div class="row row-apart">
        <h1>Statement</h1>
        <div class="row unprinted">
          <a class="button" href=${this.href(-1)} data-test="month-before">Earlier</a>
          ${this.month < monthOf(new Date()) ? html`<a class="button" href=${this.href(1)} data-test="month-after">Later</a>` : nothing}
          <button class="button" type="button" data-test="statement-csv" ?disabled=${!this.found} @click=${this.save}>CSV</button>
          <button class="button button-main" type="button" data-test="print" ?disabled=${!this.found} @click=${() => print()}>Print</button>
        </div>
      </div>
      ${this.failed ? failure(this.failed, () => void this.load()) : nothing}
      ${this.found ? this.sheet(this.found) : this.failed ? nothing : html`<p class="soft" role="status">Loading…</p>`}
    </div>`;
  }

  private href(by: number): string {
    return `/statement?month=${monthOf(new Date(`${this.month}-01T00:00:00Z`), by)}`;
  }

  private sheet(found: Statement): TemplateResult {
    const { currency } = found;
    return html`<article class="panel stack stack-large" data-test="statement" data-month=${found.month}>
      <header class="stack stack-small">
        <h2>${formatMonth(found.month)}</h2>
        <p>${account.user?.first_name} ${account.user?.last_name} · ${account.user?.email}</p>
        <p class="small soft">${found.complete ? "What was booked in this month, by UTC." : `This month is not over: as of ${formatUtc(found.as_of)}.`}
          ${
            found.reconciled_through
              ? `Checked against the delivery logs through ${formatUtc(found.reconciled_through)}.`
              : "Not yet checked against the delivery logs by the nightly reconciliation."
          }</p>
      </header>
      <table data-test="summary"><caption class="hidden-visually">Summary</caption><tbody>
        ${sum("Opening balance", found.opening_micros, currency, "opening")}
        ${sum("Deposits", found.deposits.amount_micros, currency, "deposits")}
        ${sum("Watched", found.charges.amount_micros, currency, "charges")}
        ${sum("Refunds", found.refunds.amount_micros, currency, "refunds")}
        ${sum("Corrections", found.adjustments.amount_micros, currency, "adjustments")}
        ${sum("Closing balance", found.closing_micros, currency, "closing")}
      </tbody></table>
      <p class="small soft">Amounts are exact to a millionth. Balances shown elsewhere are rounded down:
        the closing balance is ${formatMicros(found.closing_micros, currency)}.</p>
      ${this.charges(found.charges, currency)}
      ${items("Deposits", found.deposits, currency)} ${items("Refunds", found.refunds, currency)}
      ${items("Corrections", found.adjustments, currency)} ${earned(found)}
    </article>`;
  }

  private charges(part: Part<Charge>, currency: string): TemplateResult | typeof nothing {
    if (part.items.length === 0) return nothing;
    const heads = ["Began (UTC)", "Video", "Per minute", "Received", "Free", "Forgiven", "Amount"];
    return html`<section class="stack"><h3>What you watched</h3>
      <table class="cards" role="table" data-test="charges"><caption class="hidden-visually">Sessions</caption>
        <thead role="rowgroup"><tr role="row">${heads.map((head, n) => html`<th role="columnheader" scope="col" class=${n > 1 ? "end" : ""}>${head}</th>`)}</tr></thead>
        <tbody role="rowgroup">${part.items.map((item) => this.charge(item, currency))}</tbody></table>
      <p class="small soft">Free: minutes you had paid for within 24 hours, previews, and videos that cost nothing. Forgiven: sent to you but not
        played. Times are those of the whole session, amounts those of this month.</p></section>`;
  }

  private charge(item: Charge, currency: string): TemplateResult {
    const title = this.titles.get(item.video_id) ?? `Video ${item.video_id}`;
    return html`<tr role="row" data-test="charge">
      <td role="cell" data-label="Began (UTC)">${formatUtc(item.created_at).replace(" UTC", "")}</td>
      <td role="cell" data-label="Video"><a href="/proof?session=${item.session_id}">${title}</a></td>
      <td role="cell" data-label="Per minute" class="end number">${formatMinor(item.price_per_minute, currency)}</td>
      <td role="cell" data-label="Received" class="end number">${formatDuration(item.delivered_ms)}</td>
      <td role="cell" data-label="Free" class="end number">${formatDuration(item.free_ms)}</td>
      <td role="cell" data-label="Forgiven" class="end number">${formatDuration(item.forgiven_ms)}</td>
      <td role="cell" data-label="Amount" class="end number">${formatFull(item.amount_micros, currency)}</td></tr>`;
  }

  private readonly save = async (): Promise<void> => {
    try {
      await api.statementCsv(this.month);
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  };

  private async load(): Promise<void> {
    const mine = ++this.asked;
    try {
      const found = await api.statement(this.month);
      if (mine !== this.asked) return;
      this.found = found;
      this.failed = null;
      document.title = `Statement ${found.month} · Streamify`; // the name of a printed file
      this.titles = await titlesOf(found.charges.items.map((item) => item.video_id));
    } catch (error) {
      this.failed = error;
    }
  }
}

function sum(label: string, micros: number, currency: string, test: string): TemplateResult {
  return html`<tr><th scope="row">${label}</th><td class="end number" data-test=${test} data-micros=${micros}>${formatFull(micros, currency)}</td></tr>`;
}

function items(title: string, part: Part<Item>, currency: string): TemplateResult | typeof nothing {
  if (part.items.length === 0) return nothing;
  return html`<section class="stack"><h3>${title}</h3>
    <table><caption class="hidden-visually">${title}</caption><tbody>${part.items.map(
      (item) => html`<tr><td>${formatUtc(item.created_at)}</td><td>${item.description}</td>
        <td class="end number">${formatFull(item.amount_micros, currency)}</td></tr>`,
    )}</tbody></table></section>`;
}

function earned({ earnings, currency }: Statement): TemplateResult | typeof nothing {
  const { share_micros, matured_micros, payouts_micros } = earnings;
  if (!share_micros && !matured_micros && !payouts_micros) return nothing;
  return html`<section class="stack" data-test="earned"><h3>Earnings from your videos</h3>
    <table><caption class="hidden-visually">Earnings</caption><tbody>
      ${sum("Your share of what viewers paid, after refunds", share_micros, currency, "share")}
      ${sum("Became ready to be paid out", matured_micros, currency, "matured")}
      ${sum("Payouts", payouts_micros, currency, "payouts")}
    </tbody></table></section>`;
}
