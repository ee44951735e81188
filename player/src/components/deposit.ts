/**
 * The deposit form, on the wallet page and inside the player. Fires `deposited` (detail: Deposited) once money is there.
 * One Idempotency-Key belongs to one amount until an answer arrives, across reloads too, so that trying again is safe.
 */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { account, FollowsAccount } from "../account.ts";
import * as api from "../api.ts";
import { freshKey } from "../key.ts";
import { formatMinor, parseAmount, presets } from "../money.ts";
import { Problem } from "../problem.ts";
import { LightElement } from "./light.ts";
import { notice } from "./notice.ts";

const PENDING = "streamify.deposit";

@customElement("s-deposit")
export class Deposit extends LightElement {
  /** Whether the page may be left for the provider's; inside the player it is opened beside the video. */
  @property({ type: Boolean }) leaves = false;
  @state() private chosen: number | null = null;
  @state() private typed = "";
  @state() private busy = false;
  @state() private fieldError = "";
  @state() private message: TemplateResult | null = null;

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override render(): TemplateResult {
    const currency = account.currency;
    const amount = this.amount();
    return html`<form class="stack" novalidate @submit=${this.submit} data-test="deposit-form">
      <fieldset class="stack stack-small">
        <legend>Add money to your wallet</legend>
        <div class="choices">${presets(currency).map((minor) => this.choice(minor, currency))}</div>
      </fieldset>
      <div class="field">
        <label for="deposit-amount">Another amount (${currency})</label>
        <input id="deposit-amount" inputmode="decimal" autocomplete="off" data-test="deposit-amount" .value=${this.typed}
          aria-invalid=${this.fieldError ? "true" : nothing} aria-describedby="deposit-error" @input=${this.type} />
        <span class="field-error" id="deposit-error" role="alert">${this.fieldError}</span>
      </div>
      <div><button class="button button-main" data-test="deposit-submit" ?disabled=${this.busy}>
        ${this.busy ? "Depositing…" : amount ? `Deposit ${formatMinor(amount, currency)}` : "Deposit"}
      </button></div>
      ${this.message ?? nothing}
    </form>`;
  }

  private choice(minor: number, currency: string): TemplateResult {
    return html`<label class="choice">
      <input type="radio" name="preset" value=${minor} data-test="deposit-preset" .checked=${this.chosen === minor}
        @change=${() => this.choose(minor)} />
      <span class="number">${formatMinor(minor, currency)}</span>
    </label>`;
  }

  private choose(minor: number): void {
    this.chosen = minor;
    this.typed = "";
    this.fieldError = "";
  }

  private readonly type = (event: InputEvent): void => {
    this.typed = (event.target as HTMLInputElement).value;
    this.chosen = null;
    this.fieldError = "";
  };

  private amount(): number | null {
    const amount = this.chosen ?? parseAmount(this.typed, account.currency);
    return amount !== null && amount > 0 ? amount : null;
  }

  private readonly submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const amount = this.amount();
    if (this.busy) return;
    if (amount === null) {
      this.fieldError = this.typed ? "This is not an amount of money." : "Choose or type an amount.";
      return;
    }
    this.busy = true;
    this.message = null;
    try {
      this.settled(await api.deposit(amount, pendingKey(amount)), amount);
    } catch (error) {
      this.failed(Problem.of(error));
    } finally {
      this.busy = false;
    }
  };

  private settled(answer: Awaited<ReturnType<typeof api.deposit>>, amount: number): void {
    sessionStorage.removeItem(PENDING);
    if (answer.checkout_url) {
      const beside = this.leaves ? nothing : "_blank";
      const next = html`<a href=${answer.checkout_url} target=${beside} rel="noopener">Continue to the payment page</a>`;
      this.message = notice("info", html`Your deposit is waiting for payment. ${next}`, "deposit-pending");
      if (this.leaves) location.assign(answer.checkout_url);
      return;
    }
    this.typed = "";
    this.chosen = null;
    this.message = notice("good", `${formatMinor(amount, account.currency)} added to your wallet.`, "deposit-done");
    void account.refreshWallet();
    this.dispatchEvent(new CustomEvent("deposited", { detail: answer, bubbles: true }));
  }

  private failed(problem: Problem): void {
    const unknown = problem.status === 0 || problem.status >= 500;
    if (!unknown) sessionStorage.removeItem(PENDING);
    this.fieldError = problem.field("amount") ?? bounds(problem);
    if (this.fieldError) return;
    const safe = unknown ? " Press Deposit again: you can't be charged twice for the same deposit." : "";
    this.message = notice("bad", problem.message + safe, "deposit-error");
  }
}

/** The provider's limits in money, not in minor units. */
function bounds(problem: Problem): string {
  const [least, most] = [problem.number("least"), problem.number("most")];
  if (least === null || most === null) return "";
  return `Between ${formatMinor(least, account.currency)} and ${formatMinor(most, account.currency)} at once.`;
}

function pendingKey(amount: number): string {
  const [kept, key] = (sessionStorage.getItem(PENDING) ?? "").split(" ");
  if (key && kept === String(amount)) return key;
  const made = freshKey();
  sessionStorage.setItem(PENDING, `${amount} ${made}`);
  return made;
}
