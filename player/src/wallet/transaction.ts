/** One row of the transaction table. */
import { html, nothing, type TemplateResult } from "lit";
import type { Transaction } from "../model.ts";
import { formatExact, formatMicros, formatMinor } from "../money.ts";
import { formatWhen } from "../time.ts";

export const WORDS: Record<string, string> = {
  deposit: "Deposit",
  charge: "Watched",
  refund: "Refund",
  payout_earning: "Earned",
  payout: "Payout",
  adjustment: "Correction",
};

export function row(item: Transaction, currency: string): TemplateResult {
  const what = WORDS[item.transaction_type] ?? item.transaction_type;
  return html`<tr role="row" data-test="transaction" data-type=${item.transaction_type}>
    <td role="cell" data-label="When" class="nowrap">${formatWhen(item.created_at)}</td>
    <td role="cell" data-label="What"><span><strong>${what}</strong>${details(item)}</span></td>
    <td role="cell" data-label="Amount" class="end number" data-test="transaction-amount">${amount(item, currency)}</td>
    <td role="cell" data-label="Balance after" class="end number">${after(item, currency)}</td>
  </tr>`;
}

function details(item: Transaction): TemplateResult | typeof nothing {
  if (!item.description) return nothing;
  return html`<br /><span class="small soft">${
    item.video_id ? html`<a href="/watch?v=${item.video_id}">${item.description}</a>` : item.description
  }${item.session_id ? html` · <a href="/proof?session=${item.session_id}" data-test="proof-link">Proof</a>` : nothing}</span>`;
}

/** Charges are often below the minor unit, so exact figures win when the server gives them. */
function amount(item: Transaction, currency: string): string {
  const text =
    item.amount_micros === undefined ? formatMinor(item.amount, currency) : formatExact(item.amount_micros, currency);
  return item.amount > 0 || (item.amount_micros ?? 0) > 0 ? `+${text}` : text;
}

function after(item: Transaction, currency: string): string {
  if (item.balance_after_micros != null) return formatMicros(item.balance_after_micros, currency);
  return item.balance_after == null ? "" : formatMinor(item.balance_after, currency);
}
