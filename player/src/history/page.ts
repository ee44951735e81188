/** History: what one watched, session by session, and what each cost. */
import "../components/header.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import { formatHours } from "../analytics/words.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import type { History, Watched } from "../figures.ts";
import { formatColumn, formatMicros } from "../money.ts";
import { formatDuration, formatWhen } from "../time.ts";
import { type Month, months } from "./months.ts";

@customElement("history-page")
export class HistoryPage extends LightElement {
  @state() private found: History | null = null;
  @state() private items: Watched[] = [];
  @state() private failed: unknown = null;
  @state() private busy = false;

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void account.load().then((user) => (user ? this.load(null) : undefined));
  }

  override render(): TemplateResult {
    return html`<div class="stack"><div class="row row-apart"><h1>History</h1>
        ${this.items.length ? html`<button class="button" type="button" data-test="csv" @click=${this.save}>Download as CSV</button>` : nothing}</div>
      ${this.content()}</div>`;
  }

  private content(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user)
      return notice("info", html`<a href=${signInHref()} data-test="signin-link">Sign in</a> to see what you watched.`);
    const { found } = this;
    if (!found)
      return this.failed ? failure(this.failed, this.again) : html`<p class="soft" role="status">Loading…</p>`;
    if (this.items.length === 0)
      return html`<div class="empty" role="status" data-test="empty">Nothing yet. <a href="/">Find something to watch</a></div>`;
    return html`${this.failed ? failure(this.failed) : nothing}
      ${months(this.items).map((month, index, all) => this.month(month, found.currency, found.next_cursor !== null && index === all.length - 1))}
      ${found.next_cursor ? html`<div><button class="button" type="button" data-test="more" ?disabled=${this.busy} @click=${this.more}>${this.busy ? "Loading…" : "Load more"}</button></div>` : nothing}
      <p class="small soft">Watch time is the film that was delivered to you; parts seen twice count once. Sessions that
        cost nothing were free, your own, or of minutes you had paid for within a day. <a href="/billing">How billing works</a></p>`;
  }

  /** Without sums while sessions of it are still to be loaded. */
  private month(
    { name, items, watch_time_ms, revenue_micros }: Month,
    currency: string,
    partial: boolean,
  ): TemplateResult {
    return html`<section class="stack stack-small" aria-label=${name}>
      <div class="row row-apart"><h2>${name}</h2>
        <span class="soft number" ?hidden=${partial}>${formatHours(watch_time_ms)}, ${formatMicros(revenue_micros, currency)}</span></div>
      <div class="panel table-wrap"><table class="cards" role="table" data-test="history">
        <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">When</th><th role="columnheader" scope="col">Film</th>
          <th role="columnheader" scope="col" class="end">Watched</th><th role="columnheader" scope="col" class="end">Cost</th>
          <th role="columnheader" scope="col"><span class="hidden-visually">More</span></th></tr></thead>
        <tbody role="rowgroup">${items.map((item) => row(item, currency))}</tbody></table></div>
    </section>`;
  }

  private readonly again = (): void => {
    void this.load(null);
  };

  private readonly more = (): void => {
    void this.load(this.found?.next_cursor ?? null);
  };

  private readonly save = async (): Promise<void> => {
    try {
      await api.historyCsv();
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  };

  private async load(cursor: string | null): Promise<void> {
    this.busy = true;
    try {
      const found = await api.watched(cursor);
      this.items = cursor ? [...this.items, ...found.items] : found.items;
      [this.found, this.failed] = [found, null];
    } catch (error) {
      this.failed = error;
    }
    this.busy = false;
  }
}

function row(item: Watched, currency: string): TemplateResult {
  const proof = `/proof?session=${encodeURIComponent(item.session_id)}`;
  return html`<tr role="row" data-test="watched" data-video=${item.video_id}>
    <td role="cell" data-label="When" class="nowrap">${formatWhen(item.created_at)}</td>
    <td role="cell" data-label="Film" class="cell-title"><a href="/watch?v=${item.video_id}">${item.title || `Video ${item.video_id}`}</a></td>
    <td role="cell" data-label="Watched" class="number end">${formatDuration(item.watch_time_ms)}</td>
    <td role="cell" data-label="Cost" class="number end">${item.revenue_micros ? formatColumn(item.revenue_micros, currency) : "free"}</td>
    <td role="cell" data-label="" class="end">${item.revenue_micros ? html`<a href=${proof}>Proof</a>` : nothing}</td>
  </tr>`;
}
