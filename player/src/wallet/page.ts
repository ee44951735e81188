/** Wallet: balance, deposit, a payment on its way, earnings, and every movement of money. */
import "../components/header.ts";
import "../components/deposit.ts";
import "./earnings.ts";
import "./limit.ts";
import "./payment.ts";
import "./transactions.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";
import { formatMinor } from "../money.ts";
import type { Transactions } from "./transactions.ts";

@customElement("wallet-page")
export class WalletPage extends LightElement {
  constructor() {
    super();
    new FollowsAccount(this);
  }

  override render(): TemplateResult {
    return html`<div class="stack stack-large">
      <h1>Wallet</h1>
      ${this.content()}
    </div>`;
  }

  private content(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user) {
      return notice("info", html`<a href=${signInHref()} data-test="signin-link">Sign in</a> to see your wallet.`);
    }
    const payment = new URLSearchParams(location.search).get("payment");
    return html`
      ${payment ? html`<s-payment payment=${payment} @settled=${this.settled}></s-payment>` : nothing}
      <div class="fields">
        <section class="panel stack" aria-labelledby="balance">${this.balance()}</section>
        <section class="panel" aria-label="Deposit"><s-deposit leaves @deposited=${this.settled}></s-deposit></section>
      </div>
      <s-transactions></s-transactions>
      <s-limit></s-limit>
      <s-earnings></s-earnings>
    `;
  }

  private readonly settled = (): void => {
    void account.refreshWallet();
    this.querySelector<Transactions>("s-transactions")?.reload();
  };

  private balance(): TemplateResult {
    const { wallet } = account;
    if (!wallet) {
      return html`<h2 id="balance">Balance</h2>
        ${notice(
          "warn",
          html`The balance can't be shown right now.
          <button class="button" type="button" @click=${() => account.refreshWallet()}>Try again</button>`,
        )}`;
    }
    return html`
      <h2 id="balance">Balance</h2>
      <p class="balance" data-test="balance" data-balance=${wallet.balance} aria-live="polite">
        ${formatMinor(wallet.balance, wallet.currency)}
      </p>
      ${
        wallet.held > 0
          ? html`<p class="soft" data-test="held">${formatMinor(wallet.held, wallet.currency)} of it is held for what you
              are watching; what you don't watch is given back.</p>`
          : nothing
      }
      <p class="small soft">You pay for the video time that was really delivered to you, to the millisecond. The same
        minute of a video is never charged twice within 24 hours. <a href="/billing" data-test="billing-link">How billing works</a></p>
      <p><a href="/statement" data-test="statement-link">Monthly statements</a></p>
    `;
  }
}
