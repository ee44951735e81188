/** The daily limit a user sets to keep their own spending in bounds; fires `limited` when it was changed. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { Limits } from "../accounts.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { formatMinor, parseAmount, plainAmount } from "../money.ts";
import { Problem } from "../problem.ts";

@customElement("s-limit")
export class DailyLimit extends LightElement {
  @state() private found: Limits | null = null;
  @state() private failed: unknown = null;
  @state() private fieldError = "";
  @state() private message: TemplateResult | typeof nothing = nothing;
  @state() private busy = false;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  override render(): TemplateResult | typeof nothing {
    if (this.failed) return failure(this.failed, () => void this.load());
    return this.found ? this.form(this.found) : nothing;
  }

  private form({ daily_limit, spent_today, currency }: Limits): TemplateResult {
    const spent = `Spent today (UTC): ${formatMinor(spent_today, currency)}`;
    return html`<section class="panel stack" aria-labelledby="limit" data-test="limit">
      <h2 id="limit">Daily limit</h2>
      <p class="small soft">${daily_limit === null ? "You have set no limit." : `Videos stop before they take you beyond ${formatMinor(daily_limit, currency)} a day, but for the seconds already sent to you. They go on when the next day begins (midnight UTC) or the limit is raised.`}
        <span data-test="spent-today">${spent}.</span></p>
      <form class="stack stack-small" novalidate @submit=${this.submit}>
        <div class="field"><label for="daily-limit">At most per day (${currency}); empty for no limit</label>
          <input id="daily-limit" inputmode="decimal" autocomplete="off" data-test="daily-limit" aria-describedby="limit-error"
            aria-invalid=${this.fieldError ? "true" : nothing} .value=${daily_limit === null ? "" : plainAmount(daily_limit, currency)} />
          <span class="field-error" id="limit-error" role="alert">${this.fieldError}</span></div>
        <div><button class="button" data-test="limit-submit" ?disabled=${this.busy}>Keep this limit</button></div>
      </form>${this.message}
    </section>`;
  }

  private readonly submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const typed = this.querySelector<HTMLInputElement>("#daily-limit")?.value.trim() ?? "";
    const daily = typed ? parseAmount(typed, this.found?.currency ?? "USD") : null;
    this.message = nothing;
    this.fieldError = typed && !daily ? "This is not an amount of money." : "";
    if (this.fieldError || this.busy) return;
    this.busy = true;
    try {
      this.found = await api.setDailyLimit(daily);
      this.message = notice(
        "good",
        daily === null ? "The limit is gone." : "The limit is kept from now on.",
        "limit-done",
      );
      this.dispatchEvent(new Event("limited", { bubbles: true }));
    } catch (error) {
      this.message = notice("bad", Problem.of(error).message, "limit-failed");
    } finally {
      this.busy = false;
    }
  };

  private async load(): Promise<void> {
    try {
      this.found = await api.limits();
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  }
}
