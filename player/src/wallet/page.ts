/** Wallet: balance, deposit, and every movement of money. */
import "../components/header.ts";
import "../components/deposit.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import type { Transaction } from "../model.ts";
import { formatMinor } from "../money.ts";
import { row } from "./transaction.ts";

@customElement("wallet-page")
export class WalletPage extends LightElement {
  @state() private items: Transaction[] | null = null;
  @state() private cursor: string | null = null;
  @state() private failed: unknown = null;
  @state() private busy = false;

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void account.load().then((user) => user && this.reload());
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
    return html`
      <div class="fields">
        <section class="panel stack" aria-labelledby="balance">${this.balance()}</section>
        <section class="panel" aria-label="Deposit"><s-deposit @deposited=${this.reload}></s-deposit></section>
      </div>
      <section class="stack" aria-labelledby="transactions">
        <h2 id="transactions">Transactions</h2>
        ${this.transactions()}
      </section>
    `;
  }

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
        minute of a video is never charged twice within 24 hours.</p>
    `;
  }

  private transactions(): TemplateResult {
    if (this.failed && !this.items) return failure(this.failed, this.reload);
    if (!this.items) return html`<p class="soft" role="status">Loading transactions…</p>`;
    if (this.items.length === 0)
      return html`<div class="empty" data-test="empty">Nothing yet. Your deposits and charges appear here.</div>`;
    return html`
      <div class="panel table-wrap">
        <table class="cards" role="table" data-test="transactions">
          <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">When</th><th role="columnheader" scope="col">What</th><th role="columnheader" scope="col" class="end">Amount</th>
            <th role="columnheader" scope="col" class="end">Balance after</th></tr></thead>
          <tbody role="rowgroup">${this.items.map((item) => row(item, account.currency))}</tbody>
        </table>
      </div>
      ${this.failed ? failure(this.failed) : nothing}
      ${
        this.cursor
          ? html`<div><button class="button" type="button" data-test="more" ?disabled=${this.busy} @click=${this.more}>
              ${this.busy ? "Loading…" : "Load more"}</button></div>`
          : nothing
      }
    `;
  }

  private readonly reload = (): void => {
    void this.load(null);
  };

  private readonly more = (): void => {
    void this.load(this.cursor);
  };

  private async load(cursor: string | null): Promise<void> {
    this.busy = true;
    try {
      const answer = await api.transactions(cursor);
      this.items = cursor ? [...(this.items ?? []), ...answer.items] : answer.items;
      this.cursor = answer.next_cursor;
      this.failed = null;
    } catch (error) {
      this.failed = error;
    } finally {
      this.busy = false;
    }
  }
}
