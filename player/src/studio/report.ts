/** The report of one's own video in plain words: what was checked, what came in, what preparing it took. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure, notice } from "../components/notice.ts";
import type { Report, Video } from "../model.ts";
import { Problem } from "../problem.ts";
import { advice, checked, costs, findings, sources } from "./words.ts";

@customElement("s-report")
export class ReportOf extends LightElement {
  @property({ attribute: false }) video!: Video;
  @state() private report: Report | null = null;
  @state() private failed: Problem | null = null;

  override render(): TemplateResult {
    return html`<details id="report" data-test="report" @toggle=${this.toggled}>
      <summary><h3 class="inline">Report</h3></summary>
      <div class="stack" style="padding-top: var(--gap-3)">${this.content()}</div>
    </details>`;
  }

  /** An address that ends in #report means this. */
  protected override firstUpdated(): void {
    const details = this.querySelector("details");
    if (!details || location.hash !== "#report") return;
    details.open = true;
    details.scrollIntoView({ block: "start" });
  }

  private content(): TemplateResult {
    const { failed, report } = this;
    if (failed?.code === "no_report" || failed?.status === 404)
      return notice("info", "There is a report once the video is ready.", "report-none");
    if (failed) return failure(failed, () => void this.load());
    if (!report) return html`<p class="soft small" role="status">Loading the report…</p>`;
    return html`<p data-test="report-checked">${checked(report.conformance)}</p>
      ${listed("Rules broken", findings(report.conformance))}
      ${listed("Advice of the standard left aside", advice(report.conformance))} ${listed("What was sent", sources(report.source))}
      ${listed("What preparing it took", costs(report.cost))}`;
  }

  private readonly toggled = (event: Event): void => {
    if ((event.target as HTMLDetailsElement).open && !this.report) void this.load();
  };

  private async load(): Promise<void> {
    try {
      this.report = await api.report(this.video.id);
      this.failed = null;
    } catch (error) {
      this.failed = Problem.of(error);
    }
  }
}

function listed(title: string, lines: string[]): TemplateResult | typeof nothing {
  if (lines.length === 0) return nothing;
  return html`<div class="stack stack-small"><h4>${title}</h4>
    <ul class="small lines">${lines.map((line) => html`<li>${line}</li>`)}</ul></div>`;
}
