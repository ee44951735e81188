/** The top of every page: where to go, who is signed in, what is left in the wallet. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import { formatMinor } from "../money.ts";
import { Problem } from "../problem.ts";
import { brandIcon } from "./icons.ts";
import { LightElement } from "./light.ts";
import { notice } from "./notice.ts";

const LINKS = [
  ["/", "Browse"],
  ["/upload", "Upload"],
  ["/wallet", "Wallet"],
] as const;

@customElement("s-header")
export class Header extends LightElement {
  @state() private error = "";

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override render(): TemplateResult {
    const links: (readonly [string, string])[] = [...LINKS];
    if (account.user) links.push(["/history", "History"], ["/studio", "Studio"]);
    if (account.user?.role === "operator")
      links.push(["/queue", "Queue"], ["/analytics", "Platform"], ["/money", "Money"]);
    return html`
      <a class="skip" href="#main">Skip to content</a>
      <header class="header">
        <div class="header-inner">
          <a class="brand" href="/">${brandIcon} Streamify</a>
          <nav class="nav" aria-label="Main">${links.map(([href, label]) => this.link(href, label))}</nav>
          <div class="header-account">${this.who()}</div>
        </div>
      </header>
      ${this.error ? notice("bad", this.error) : nothing}
    `;
  }

  private link(href: string, label: string): TemplateResult {
    const here = location.pathname === href ? "page" : nothing;
    return html`<a href=${href} aria-current=${here} data-test="nav-${label.toLowerCase()}">${label}</a>`;
  }

  private who(): TemplateResult | typeof nothing {
    if (!account.known || location.pathname === "/signin") return nothing;
    const { user, wallet } = account;
    if (!user) return html`<a class="button" href=${signInHref()} data-test="header-signin">Sign in</a>`;
    return html`
      <span class="header-name" data-test="header-user">${user.first_name || user.email}</span>
      ${
        wallet
          ? html`<a class="number" href="/wallet" data-test="header-balance" data-balance=${wallet.balance}
              aria-label="Balance ${formatMinor(wallet.balance, wallet.currency)}, open wallet"
            >${formatMinor(wallet.balance, wallet.currency)}</a>`
          : nothing
      }
      <button class="button button-quiet" type="button" data-test="sign-out" @click=${this.signOut}>Sign out</button>
    `;
  }

  private readonly signOut = async (): Promise<void> => {
    try {
      await account.signOut();
      location.assign("/");
    } catch (error) {
      this.error = `You are still signed in. ${Problem.of(error).message}`;
    }
  };
}
