/** What happens at this moment, told by the server every two seconds. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import type { Live } from "../figures.ts";
import { formatExact } from "../money.ts";
import { formatNumber } from "./words.ts";

@customElement("s-live")
export class LiveFigures extends LightElement {
  @state() private found: Live | null = null;
  private stop = new AbortController();

  override connectedCallback(): void {
    super.connectedCallback();
    this.stop = new AbortController();
    // Refused or cut for good: the page is as good without it.
    api
      .events("/api/analytics/live", (event) => this.told(event.data), this.stop.signal)
      .catch(() => this.told("null"));
  }

  override disconnectedCallback(): void {
    this.stop.abort();
    super.disconnectedCallback();
  }

  override render(): TemplateResult | typeof nothing {
    const { found } = this;
    if (!found) return nothing;
    const watching = found.live_viewers === 1 ? "1 watching now" : `${formatNumber(found.live_viewers)} watching now`;
    return html`<p class="live number" data-test="live" data-viewers=${found.live_viewers}>
      <span class="live-dot" ?data-on=${found.live_viewers > 0} aria-hidden="true"></span>
      <strong>${watching}</strong>
      <span class="soft">${formatNumber(found.watch_minutes_per_minute, 1)} min of film and
        ${formatExact(found.revenue_per_minute_micros, found.currency)} in the last minute</span>
    </p>`;
  }

  private told(data: string): void {
    try {
      this.found = JSON.parse(data) as Live | null;
    } catch {
      this.found = null;
    }
  }
}
