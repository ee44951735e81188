/** Money, for operators: payments that are not plain, payouts to be sent, and whether the books agree with the logs. */
import "../components/header.ts";
import "./payouts.ts";
import { html, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import type { Reconciled, Troubles } from "../accounts.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { checks } from "./checks.ts";
import { troubled } from "./troubles.ts";

@customElement("money-page")
export class MoneyPage extends LightElement {
  @state() private troubles: Troubles | null = null;
  @state() private reconciled: Reconciled | null = null;
  @state() private failed: unknown = null;

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void account.load().then((user) => (user?.role === "operator" ? this.load() : undefined));
  }

  override render(): TemplateResult {
    return html`<div class="stack stack-large"><h1>Money</h1>${this.content()}</div>`;
  }

  private content(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user)
      return notice("info", html`<a href=${signInHref()} data-test="signin-link">Sign in</a> as an operator.`);
    if (account.user.role !== "operator") return notice("warn", "This page is for operators.", "not-operator");
    if (this.failed) return failure(this.failed, () => void this.load());
    if (!this.troubles || !this.reconciled) return html`<p class="soft" role="status">Loading…</p>`;
    return html`${troubled(this.troubles)} <s-payouts-due></s-payouts-due> ${checks(this.reconciled)}`;
  }

  private async load(): Promise<void> {
    try {
      [this.troubles, this.reconciled] = await Promise.all([api.troubles(), api.reconciliation()]);
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  }
}
