/** Payouts that creators asked for: an operator sends the money by bank, and says so here. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { Payout } from "../accounts.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { freshKey } from "../key.ts";
import { formatMinor } from "../money.ts";
import { Problem } from "../problem.ts";
import { formatWhen } from "../time.ts";

@customElement("s-payouts-due")
export class PayoutsDue extends LightElement {
  @state() private due: Payout[] | null = null;
  @state() private failed: unknown = null;
  @state() private message: TemplateResult | typeof nothing = nothing;
  @state() private busy = false;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override render(): TemplateResult {
    return html`<section class="panel stack" aria-labelledby="due" data-test="payouts-due"><h2 id="due">Payouts to send</h2>
      ${this.failed ? failure(this.failed, () => void this.load()) : this.list()} ${this.message}</section>`;
  }

  private list(): TemplateResult {
    if (!this.due) return html`<p class="soft" role="status">Loading…</p>`;
    if (this.due.length === 0) return html`<p class="empty">Nobody waits for a payout.</p>`;
    return html`<div class="stack">${this.due.map((payout) => this.row(payout))}</div>`;
  }

  private row(payout: Payout): TemplateResult {
    const { id } = payout;
    return html`<form class="row" data-test="payout-due" @submit=${(event: SubmitEvent) => this.send(event, payout)}>
      <span><strong class="number">${formatMinor(payout.amount, payout.currency)}</strong> to user ${payout.user_id},
        asked for ${formatWhen(payout.created_at)}</span>
      <div class="field"><label for="reference-${id}">Bank's reference</label>
        <input id="reference-${id}" name="reference" maxlength="300" autocomplete="off" /></div>
      <button class="button button-main" value="paid" data-test="payout-paid" ?disabled=${this.busy}>It was sent</button>
      <button class="button" value="returned" data-test="payout-returned" ?disabled=${this.busy}>It came back</button>
    </form>`;
  }

  private async send(event: SubmitEvent, payout: Payout): Promise<void> {
    event.preventDefault();
    const state = (event.submitter as HTMLButtonElement).value as "paid" | "returned";
    const reference = String(new FormData(event.target as HTMLFormElement).get("reference") ?? "").trim();
    this.busy = true;
    try {
      await api.concludePayout(payout.id, state, reference, freshKey());
      const money = formatMinor(payout.amount, payout.currency);
      this.message = notice(
        "good",
        state === "paid" ? `${money} sent.` : `${money} given back to the creator's earnings.`,
        "payout-concluded",
      );
      await this.load();
    } catch (error) {
      this.message = notice("bad", Problem.of(error).message, "payout-failed");
    } finally {
      this.busy = false;
    }
  }

  private async load(): Promise<void> {
    try {
      this.due = (await api.payoutsDue()).items;
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  }
}
