/** Browse: search, filter, sort and page through the catalogue; the address holds the search, so it can be shared. */
import "../components/header.ts";
import "./unfinished.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account, FollowsAccount } from "../account.ts";
import * as api from "../api.ts";
import { card } from "../components/card.ts";
import { LightElement } from "../components/light.ts";
import { failure } from "../components/notice.ts";
import { pages } from "../components/pages.ts";
import type { Page, Video } from "../model.ts";

const PER_PAGE = 24;
const TYPING_MS = 300;
const ASKED = ["query", "category", "sort", "page"];
const SORTS = [
  ["newest", "Newest"],
  ["popular", "Most watched"],
  ["title", "Title"],
  ["duration", "Shortest"],
  ["price", "Cheapest"],
] as const;

@customElement("browse-page")
export class BrowsePage extends LightElement {
  @state() private found: Page<Video> | null = null;
  @state() private failed: unknown = null;
  @state() private categories: string[] = [];
  private search = new URLSearchParams(location.search);
  private typing = 0;
  private asked = new AbortController();

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("popstate", this.popped);
    void this.begin();
  }

  override disconnectedCallback(): void {
    window.removeEventListener("popstate", this.popped);
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    return html`<div class="stack stack-large">
      <h1>Videos</h1>
      ${account.user ? html`<s-unfinished .user=${account.user}></s-unfinished>` : nothing}
      ${this.filters()}
      <section class="stack" aria-label="Results" aria-busy=${this.found || this.failed ? "false" : "true"}>
        ${this.results()}
      </section>
    </div>`;
  }

  private filters(): TemplateResult {
    const now = (name: string) => this.search.get(name) ?? "";
    return html`<form class="filters" role="search" @submit=${this.submitted}>
      <div class="field search">
        <label for="query">Search videos</label>
        <input id="query" type="search" autocomplete="off" data-test="search" .value=${now("query")} @input=${this.typed} />
      </div>
      <div class="field">
        <label for="category">Category</label>
        <select id="category" data-test="category" @change=${this.picked("category")}>
          <option value="" ?selected=${!now("category")}>All</option>
          ${this.categories.map((c) => html`<option value=${c} ?selected=${now("category") === c}>${c}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="sort">Sort by</label>
        <select id="sort" data-test="sort" @change=${this.picked("sort")}>
          ${SORTS.map(([value, label]) => html`<option value=${value} ?selected=${now("sort") === value}>${label}</option>`)}
        </select>
      </div>
    </form>`;
  }

  private results(): TemplateResult {
    if (this.failed) return failure(this.failed, () => void this.load());
    if (!this.found) return html`<p class="soft" role="status">Loading videos…</p>`;
    const { items, total } = this.found;
    const count = total === 1 ? "1 video" : `${total} videos`;
    if (items.length === 0) return this.empty();
    return html`
      <p class="small soft" role="status" data-test="count">${count}</p>
      <ul class="grid" role="list" data-test="grid">${items.map(card)}</ul>
      ${pages(this.found, (page) => this.go({ page: String(page) }, true))}
    `;
  }

  private empty(): TemplateResult {
    const searched = this.search.get("query") || this.search.get("category");
    const advice = searched
      ? html`<button class="button" type="button" data-test="clear-search" @click=${() => this.go({ query: "", category: "" })}>
          Show all videos</button>`
      : html`<a class="button button-main" href="/upload">Upload the first video</a>`;
    return html`<div class="empty stack" role="status" data-test="empty">
      <p>${searched ? "No video matches this search." : "There are no videos yet."}</p>
      <div>${advice}</div>
    </div>`;
  }

  private async begin(): Promise<void> {
    await account.load();
    void this.load();
    this.categories = await api.categories().catch(() => []);
  }

  private async load(): Promise<void> {
    this.asked.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const asked = [...this.search].filter(([name]) => ASKED.includes(name));
    const wanted = { page: 1, per_page: PER_PAGE, ...Object.fromEntries(asked) };
    try {
      const found = await api.videos(wanted, signal);
      if (signal.aborted) return;
      this.found = found;
      this.failed = null;
    } catch (error) {
      if (!signal.aborted) this.failed = error;
    }
  }

  /** A new search starts at page one; turning a page moves to the top. */
  private go(change: Record<string, string>, turning = false): void {
    clearTimeout(this.typing);
    if (!turning) this.search.delete("page");
    for (const [name, value] of Object.entries(change)) {
      if (value) this.search.set(name, value);
      else this.search.delete(name);
    }
    const text = this.search.toString();
    history.pushState(null, "", text ? `/?${text}` : "/");
    this.requestUpdate();
    if (turning) window.scrollTo({ top: 0 });
    void this.load();
  }

  private readonly typed = (event: Event): void => {
    clearTimeout(this.typing);
    const query = (event.target as HTMLInputElement).value.trim();
    this.typing = window.setTimeout(() => this.go({ query }), TYPING_MS);
  };

  private readonly submitted = (event: Event): void => {
    event.preventDefault();
    this.go({ query: this.querySelector<HTMLInputElement>("#query")?.value.trim() ?? "" });
  };

  private picked(name: string): (event: Event) => void {
    return (event) => this.go({ [name]: (event.target as HTMLSelectElement).value });
  }

  private readonly popped = (): void => {
    this.search = new URLSearchParams(location.search);
    this.requestUpdate();
    void this.load();
  };
}
