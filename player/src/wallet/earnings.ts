/** What a creator earned: what waits, what can be paid out, what was. Not shown to whoever never earned anything. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { Earnings, Payout } from "../accounts.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { freshKey } from "../key.ts";
import { formatMinor } from "../money.ts";
import { Problem } from "../problem.ts";
import { formatWhen } from "../time.ts";

const STATES = { requested: "on its way", paid: "paid", returned: "came back" };

@customElement("s-earnings")
export class EarningsPanel extends LightElement {
  @state() private found: Earnings | null = null;
  @state() private payouts: Payout[] = [];
  @state() private failed: unknown = null;
  @state() private message: TemplateResult | typeof nothing = nothing;
  @state() private busy = false;
  private key = freshKey();

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override render(): TemplateResult | typeof nothing {
    if (this.failed) return failure(this.failed, () => void this.load());
    const { found } = this;
    if (!found || !(found.pending || found.available || found.requested || found.paid)) return nothing;
    const money = (minor: number) => formatMinor(minor, found.currency);
    return html`<section class="stack" aria-labelledby="earnings" data-test="earnings">
      <h2 id="earnings">Earnings from your videos</h2>
      <div class="panel stack">
        <dl class="meter">
          ${figure("Waiting", "earnings-pending", money(found.pending))}
          ${figure("Can be paid out", "earnings-available", money(found.available))}
          ${figure("On its way", "earnings-requested", money(found.requested))}
          ${figure("Paid out", "earnings-paid", money(found.paid))}
        </dl>
        <p class="small soft">Earnings wait ${found.hold_days} full days, so that refunds can come out of them first. A payout is at
          least ${money(found.minimum)}.
          ${found.reserved ? html`<span data-test="earnings-reserved">${money(found.reserved)} is kept back until a viewer's disputed deposit is settled.</span>` : nothing}</p>
        <div><button class="button button-main" type="button" data-test="payout" ?disabled=${this.busy || found.available < found.minimum}
          @click=${this.request}>Ask for a payout of ${money(found.available)}</button></div>
        ${this.message}${this.payouts.length ? this.table() : nothing}
      </div>
    </section>`;
  }

  private table(): TemplateResult {
    return html`<table class="cards" role="table" data-test="payouts"><caption class="hidden-visually">Payouts</caption>
      <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Asked for</th><th role="columnheader" scope="col">State</th>
        <th role="columnheader" scope="col">Reference</th><th role="columnheader" scope="col" class="end">Amount</th></tr></thead>
      <tbody role="rowgroup">${this.payouts.map(
        (payout) => html`<tr role="row"><td role="cell" data-label="Asked for">${formatWhen(payout.created_at)}</td>
          <td role="cell" data-label="State">${STATES[payout.state]}</td>
          <td role="cell" data-label="Reference">${payout.reference ?? nothing}</td>
          <td role="cell" data-label="Amount" class="end number">${formatMinor(payout.amount, payout.currency)}</td></tr>`,
      )}</tbody></table>`;
  }

  private readonly request = async (): Promise<void> => {
    this.busy = true;
    try {
      const payout = await api.requestPayout(this.key);
      this.key = freshKey();
      const money = formatMinor(payout.amount, payout.currency);
      this.message = notice("good", `A payout of ${money} was asked for.`, "payout-done");
      await this.load();
    } catch (error) {
      this.message = notice("bad", Problem.of(error).message, "payout-error");
    } finally {
      this.busy = false;
    }
  };

  private async load(): Promise<void> {
    try {
      const [found, { items }] = await Promise.all([api.earnings(), api.payouts()]);
      this.found = found;
      this.payouts = items;
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  }
}

function figure(label: string, test: string, value: string): TemplateResult {
  return html`<div><dt>${label}</dt><dd data-test=${test}>${value}</dd></div>`;
}
