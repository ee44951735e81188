/** The operator's queue: every job with its progress, live by event stream, else by asking every few seconds. */
import "../components/header.ts";
import "./workers.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { account, FollowsAccount, signInHref } from "../account.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import { pages } from "../components/pages.ts";
import type { Job, JobAction, JobState, Page } from "../model.ts";
import { Problem } from "../problem.ts";
import { type Acts, row, titleOf, videoId } from "./job.ts";
import { LEAST, MOST, parsePriority } from "./priority.ts";

const STATES: JobState[] = ["queued", "running", "paused", "done", "failed", "cancelled"];
const ASK_EVERY_MS = 4000;

@customElement("queue-page")
export class QueuePage extends LightElement implements Acts {
  @state() private found: Page<Job> | null = null;
  @state() private wanted: JobState | "" = "";
  @state() private failed: unknown = null;
  @state() private live = false;
  private number = 1;
  private stop = new AbortController();

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void account.load().then((user) => (user?.role === "operator" ? this.begin() : undefined));
  }

  override disconnectedCallback(): void {
    this.stop.abort();
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    return html`<div class="stack stack-large">
      <div class="row row-apart">
        <h1>Transcode queue</h1>
        ${this.found ? html`<span class="badge" data-kind=${this.live ? "good" : "warn"} data-test="live">${this.live ? "live" : "updated every few seconds"}</span>` : nothing}
      </div>
      ${this.content()}
    </div>`;
  }

  private content(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user)
      return notice("info", html`<a href=${signInHref()} data-test="signin-link">Sign in</a> as an operator.`);
    if (account.user.role !== "operator") return notice("warn", "Only operators can see the queue.", "forbidden");
    if (this.failed && !this.found) return failure(this.failed, () => void this.begin());
    if (!this.found) return html`<p class="soft" role="status">Loading jobs…</p>`;
    const { items, total } = this.found;
    return html`${this.failed ? failure(this.failed) : nothing} ${this.filters()}
      <p class="small soft" data-test="count">${total === 1 ? "1 job" : `${total} jobs`}</p>
      ${items.length === 0 ? html`<div class="empty" role="status" data-test="empty">No jobs here.</div>` : this.table(items)}
      ${pages(this.found, (page) => this.show(this.wanted, page))}
      <s-workers .titles=${new Map(items.map((job) => [videoId(job), titleOf(job)]))}></s-workers>`;
  }

  private filters(): TemplateResult {
    const choice = (value: JobState | "", label: string) => html`<label class="choice">
      <input type="radio" name="state" value=${value} data-test="filter-${value || "all"}" .checked=${this.wanted === value}
        @change=${() => this.show(value, 1)} />
      <span>${label}</span>
    </label>`;
    return html`<fieldset>
      <legend class="hidden-visually">Show jobs that are</legend>
      <div class="choices">${choice("", "all")}${STATES.map((state) => choice(state, state))}</div>
    </fieldset>`;
  }

  private show(wanted: JobState | "", number: number): void {
    this.wanted = wanted;
    this.number = number;
    void this.begin();
  }

  private table(jobs: Job[]): TemplateResult {
    return html`<div class="panel table-wrap">
      <table class="cards" role="table" data-test="jobs">
        <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Video</th><th role="columnheader" scope="col">State</th><th role="columnheader" scope="col">Progress</th><th role="columnheader" scope="col">Speed</th>
          <th role="columnheader" scope="col">Left</th><th role="columnheader" scope="col">Attempts</th><th role="columnheader" scope="col">Workers</th><th role="columnheader" scope="col">Priority</th><th role="columnheader" scope="col"><span class="hidden-visually">Actions</span></th></tr></thead>
        <tbody role="rowgroup">${repeat(
          jobs,
          (job) => job.id,
          (job) => row(job, this),
        )}</tbody>
      </table>
    </div>`;
  }

  /** Listen to this page of this filter until another one is wanted. */
  private async begin(): Promise<void> {
    this.stop.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    await this.ask();
    try {
      await api.events(api.jobEvents(this.wanted, this.number), (event) => this.told(event.data, signal), signal);
    } catch {
      this.live = false;
      while (!signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
        if (document.visibilityState === "visible" && !signal.aborted) await this.ask();
      }
    }
  }

  private async ask(): Promise<void> {
    try {
      this.found = await api.jobs(this.wanted, this.number);
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  }

  private told(data: string, signal: AbortSignal): void {
    const found = parse(data);
    if (!found || signal.aborted) return;
    this.found = found;
    this.live = true;
  }

  /** What the buttons of a row do. */
  change(job: Job, what: JobAction): void {
    void this.act(() => api.changeJob(job.id, what));
  }

  prioritise(job: Job, text: string): void {
    const priority = parsePriority(text);
    if (priority === job.priority) return;
    if (priority !== null) void this.act(() => api.setPriority(job.id, priority));
    else this.failed = new Problem(0, "priority", `A priority is a whole number from ${LEAST} to ${MOST}.`);
  }

  /** The answer is the job as it is now: shown at once, however long the next event takes. */
  private async act(call: () => Promise<Job>): Promise<void> {
    try {
      const changed = await call();
      this.failed = null;
      if (!this.found) return;
      this.found = { ...this.found, items: this.found.items.map((job) => (job.id === changed.id ? changed : job)) };
    } catch (error) {
      this.failed = error;
    }
  }
}

function parse(data: string): Page<Job> | null {
  try {
    const told = JSON.parse(data) as Partial<Page<Job>>;
    return Array.isArray(told.items) ? (told as Page<Job>) : null;
  } catch {
    return null;
  }
}
