/** A payment its payer comes back from: asked about until it has an end. Fires `settled` once money is there. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Payment } from "../accounts.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { formatMinor } from "../money.ts";
import { Problem } from "../problem.ts";

const SOON_MS = 1000;
const SELDOM_MS = 15_000;

@customElement("s-payment")
export class PaymentState extends LightElement {
  @property() payment = "";
  @state() private found: Payment | null = null;
  @state() private failed: unknown = null;
  private timer = 0;
  private wait_ms = SOON_MS;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.ask();
  }

  override disconnectedCallback(): void {
    clearTimeout(this.timer);
    super.disconnectedCallback();
  }

  override render(): TemplateResult | typeof nothing {
    if (this.failed) return failure(this.failed, () => void this.ask(), "payment-error");
    if (!this.found) return html`<p class="soft" role="status">Looking for your payment…</p>`;
    return html`<div data-test="payment" data-state=${this.found.state}>${this.words(this.found)}</div>`;
  }

  private words({ state, amount, currency, checkout_url, taken_back }: Payment): TemplateResult {
    const money = formatMinor(amount, currency);
    if (taken_back > 0)
      return notice("warn", `Your bank took back ${formatMinor(taken_back, currency)} of this deposit of ${money}.`);
    switch (state) {
      case "settled":
        return notice("good", `Your deposit of ${money} is in your wallet.`);
      case "failed":
        return notice("bad", `Your payment of ${money} was declined. Nothing was taken; you can try again below.`);
      case "expired":
        return notice("warn", `Your payment of ${money} was not made in time. Nothing was taken.`);
      default:
        return notice(
          "info",
          html`Waiting for your payment of ${money}. It appears here as soon as it is confirmed.
          ${checkout_url ? html`<a href=${checkout_url}>Back to the payment page</a>` : nothing}`,
        );
    }
  }

  private async ask(): Promise<void> {
    this.failed = null;
    try {
      this.found = await api.payment(this.payment);
      if (this.found.state === "settled") this.dispatchEvent(new CustomEvent("settled", { bubbles: true }));
    } catch (error) {
      const { status } = Problem.of(error);
      if (status !== 0 && status < 500) this.failed = error;
    }
    const open = !this.found || this.found.state === "pending" || this.found.state === "created";
    if (this.failed || !open || !this.isConnected) return;
    this.timer = window.setTimeout(() => void this.ask(), this.wait_ms);
    this.wait_ms = Math.min(SELDOM_MS, this.wait_ms * 1.5);
  }
}
