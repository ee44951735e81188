/** Payments that are not plain, messages that could not be heard, who owes, and what nobody paid. */
import { html, nothing, type TemplateResult } from "lit";
import type { TroubledPayment, Troubles } from "../accounts.ts";
import { notice } from "../components/notice.ts";
import { formatFull, formatMinor } from "../money.ts";
import { formatWhen } from "../time.ts";
import { table } from "./table.ts";

const KINDS = { mismatch: "Another amount", disputed: "Taken back", doubtful: "Still open" };

/** What is behind a kind, in a sentence. */
export function reason(payment: TroubledPayment): string {
  const money = (minor: number) => formatMinor(minor, payment.currency);
  if (payment.kind === "mismatch") return `${payment.trouble}. Nothing was credited: look at the provider's books.`;
  if (payment.kind === "disputed") return `A bank took back ${money(payment.taken_back)} of ${money(payment.amount)}.`;
  const next = payment.ask_after ? `asked again ${formatWhen(payment.ask_after)}` : "not asked any more";
  return `Asked ${payment.asked} times, ${next}.`;
}

export function troubled(found: Troubles): TemplateResult {
  const { payments, messages, owing } = found;
  const quiet = payments.length + messages.length + owing.length === 0;
  return html`<section class="panel stack" aria-labelledby="troubles" data-test="troubles">
    <h2 id="troubles">Payments to look at</h2>
    ${quiet ? notice("good", "No payment is in doubt or disputed, and every message was heard.", "no-trouble") : nothing}
    ${payments.length ? table("Payments", ["Payment", "User", "Amount", "What", "Why"], payments.map(payment), "troubled") : nothing}
    ${found.more ? html`<p class="small soft">There are more: these are the newest.</p>` : nothing}
    ${
      messages.length
        ? html`<h3>Messages of providers that could not be heard</h3>
          ${table(
            "Messages",
            ["Provider", "Reason", "Times", "Last", "Last good one"],
            messages.map((one) => [
              one.provider,
              one.code,
              String(one.times),
              formatWhen(one.last_at),
              one.last_heard_at ? formatWhen(one.last_heard_at) : "never",
            ]),
            "messages",
          )}
          <p class="small soft">A lost message changes nothing but the time: open payments are asked about anyway.</p>`
        : nothing
    }
    ${
      owing.length
        ? html`<h3>Users who owe what a bank took back</h3>
          ${table(
            "Debts",
            ["User", "Owes"],
            owing.map((one) => [String(one.user_id), formatMinor(one.owed, one.currency)]),
            "owing",
          )}
          <p class="small soft">They start nothing until a deposit covers it; creators' shares of it are kept back from payouts.</p>`
        : nothing
    }
    <p class="small soft">Delivered beyond what viewers could pay, ever (the platform's loss):
      <span class="number" data-test="uncollected" data-micros=${found.uncollected_micros}>${formatFull(found.uncollected_micros, found.currency)}</span></p>
  </section>`;
}

function payment(one: TroubledPayment): (string | TemplateResult)[] {
  const name = html`<div>${one.provider} ${one.reference ?? one.payment_id}<div class="small soft">${formatWhen(one.created_at)}</div></div>`;
  return [name, String(one.user_id), formatMinor(one.amount, one.currency), KINDS[one.kind], reason(one)];
}
