/** Studio: the figures of one's own films, and what they earned. */
import "../analytics/numbers.ts";
import "../components/header.ts";
import "../wallet/earnings.ts";
import { html, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";

@customElement("studio-page")
export class StudioPage extends LightElement {
  constructor() {
    super();
    new FollowsAccount(this);
  }

  override render(): TemplateResult {
    return html`<div class="stack"><h1>Studio</h1>${this.content()}</div>`;
  }

  private content(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user)
      return notice(
        "info",
        html`<a href=${signInHref()} data-test="signin-link">Sign in</a> to see how your films do.`,
      );
    return html`<s-numbers scope="studio"></s-numbers><s-earnings></s-earnings>`;
  }
}
