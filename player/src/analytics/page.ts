/** Analytics: the platform, for operators. */
import "../components/header.ts";
import "./numbers.ts";
import { html, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";

@customElement("analytics-page")
export class AnalyticsPage extends LightElement {
  constructor() {
    super();
    new FollowsAccount(this);
  }

  override render(): TemplateResult {
    return html`<div class="stack"><h1>Platform</h1>${this.content()}</div>`;
  }

  private content(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user)
      return notice("info", html`<a href=${signInHref()} data-test="signin-link">Sign in</a> as an operator.`);
    if (account.user.role !== "operator")
      return notice("warn", html`Only operators see the platform. <a href="/studio">Your own films</a>`, "forbidden");
    return html`<s-numbers scope="dashboard"></s-numbers>`;
  }
}
