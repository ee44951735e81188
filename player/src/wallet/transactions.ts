/** Every movement of money: filtered, page by page, or all of it as a file. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account, FollowsAccount } from "../account.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure } from "../components/notice.ts";
import type { Transaction } from "../model.ts";
import { row, WORDS } from "./transaction.ts";
import { wanted } from "./wanted.ts";

@customElement("s-transactions")
export class Transactions extends LightElement {
  @state() private items: Transaction[] | null = null;
  @state() private cursor: string | null = null;
  @state() private failed: unknown = null;
  @state() private busy = false;
  @state() private chosen = { type: "", from: "", to: "" };
  private asked = 0;

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.reload();
  }

  readonly reload = (): void => {
    void this.load(null);
  };

  override render(): TemplateResult {
    return html`<section class="stack" aria-labelledby="transactions">
      <div class="row row-apart">
        <h2 id="transactions">Transactions</h2>
        <button class="button" type="button" data-test="transactions-csv" @click=${this.save}>Download as CSV</button>
      </div>
      ${this.filters()}${this.content()}
    </section>`;
  }

  private filters(): TemplateResult {
    const kinds = Object.entries(WORDS).map(([kind, words]) => html`<option value=${kind}>${words}</option>`);
    return html`<form class="fields" aria-label="Filter transactions" data-test="transaction-filters" @change=${this.choose}
      @submit=${(event: Event) => event.preventDefault()}>
      <div class="field"><label for="filter-type">Kind</label>
        <select id="filter-type" name="type"><option value="">Everything</option>${kinds}</select></div>
      <div class="field"><label for="filter-from">From (UTC)</label><input id="filter-from" name="from" type="date" /></div>
      <div class="field"><label for="filter-to">To and including</label><input id="filter-to" name="to" type="date" /></div>
    </form>`;
  }

  private content(): TemplateResult {
    if (this.failed && !this.items) return failure(this.failed, this.reload);
    if (!this.items) return html`<p class="soft" role="status">Loading transactions…</p>`;
    if (this.items.length === 0) return html`<div class="empty" data-test="empty">${this.nothing()}</div>`;
    return html`
      <div class="panel table-wrap">
        <table class="cards" role="table" data-test="transactions" aria-busy=${this.busy}>
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

  private nothing(): string {
    const { type, from, to } = this.chosen;
    if (type || from || to) return "Nothing of that kind in that time.";
    return "Nothing yet. Your deposits and charges appear here.";
  }

  private readonly choose = (event: Event): void => {
    const field = event.target as HTMLInputElement | HTMLSelectElement;
    this.chosen = { ...this.chosen, [field.name]: field.value };
    this.reload();
  };

  private readonly more = (): void => {
    void this.load(this.cursor);
  };

  private readonly save = async (): Promise<void> => {
    try {
      await api.transactionsCsv(wanted(this.chosen));
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  };

  /** Only the last question's answer counts. */
  private async load(cursor: string | null): Promise<void> {
    this.busy = true;
    const mine = ++this.asked;
    try {
      const answer = await api.transactions(cursor, wanted(this.chosen));
      if (mine !== this.asked) return;
      this.items = cursor ? [...(this.items ?? []), ...answer.items] : answer.items;
      this.cursor = answer.next_cursor;
      this.failed = null;
    } catch (error) {
      if (mine === this.asked) this.failed = error;
    } finally {
      if (mine === this.asked) this.busy = false;
    }
  }
}
