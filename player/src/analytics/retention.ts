/** Who still watches where: the retention curve above the pictures of the film. */
import "./chart.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { styleMap } from "lit/directives/style-map.js";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import type { FilmNumbers } from "../figures.ts";
import { formatDuration } from "../time.ts";
import type { ChartData } from "./chart.ts";
import { readStoryboard, type Still, stillAt, strip } from "./storyboard.ts";
import { formatNumber } from "./words.ts";

const EDGE = 48; // the axis of the curve, so that pictures stand below their own part of it
const LOW = 54; // height of a picture of the strip

@customElement("s-retention")
export class Retention extends LightElement {
  @property({ attribute: false }) film!: FilmNumbers;
  @state() private stills: Still[] = [];
  @state() private point: number | null = null;
  @state() private width = 0;
  private data: ChartData | null = null;
  private readonly sizes = new ResizeObserver(([entry]) => {
    this.width = entry?.contentRect.width ?? 0;
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.sizes.observe(this);
    void this.load();
  }

  override disconnectedCallback(): void {
    this.sizes.disconnect();
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("film")) this.data = curve(this.film);
  }

  override render(): TemplateResult {
    return html`<section class="panel stack" aria-labelledby="retention" data-test="retention">
      <h2 id="retention">Who still watches</h2>
      <p class="small soft">${this.film.definitions.retention ?? ""}</p>
      <div class="retention-top">
        <s-chart label="Share of starts that were delivered each hundredth of the film" .data=${this.data} .edge=${EDGE}
          @point=${(event: CustomEvent<number | null>) => this.look(event.detail)}></s-chart>
        ${this.closer()}
      </div>
      ${this.pictures()} ${this.table()}
    </section>`;
  }

  private look(point: number | null): void {
    this.point = point;
  }

  /** The picture under the cursor, at its own size. */
  private closer(): TemplateResult | typeof nothing {
    const at_ms = ((this.point ?? 0) / 100) * this.film.duration_ms;
    const still = this.point === null ? null : stillAt(this.stills, at_ms);
    if (!still) return nothing;
    return html`<figure class="closer">${picture(still, 1)}<figcaption class="small number">${formatDuration(at_ms)}</figcaption></figure>`;
  }

  private pictures(): TemplateResult | typeof nothing {
    const [first] = this.stills;
    if (!first || this.width === 0) return nothing;
    const scale = LOW / first.height;
    const count = Math.max(2, Math.floor((this.width - EDGE - 40) / (first.width * scale)));
    return html`<div class="strip" aria-hidden="true" data-test="strip">${strip(this.stills, this.film.duration_ms, count).map((still) => picture(still, scale))}</div>`;
  }

  private table(): TemplateResult {
    const tenths = this.film.retention.map((share, index) => [share, index] as const).filter(([, n]) => n % 10 === 0);
    return html`<details class="series"><summary>The same as a table</summary>
      <table class="dense"><thead><tr><th scope="col">Place</th><th scope="col" class="end">This film</th><th scope="col" class="end">Your films on average</th></tr></thead>
        <tbody>${tenths.map(
          ([
            share,
            n,
          ]) => html`<tr><th scope="row" class="number">${formatDuration((n / 100) * this.film.duration_ms)}</th>
            <td class="number end">${formatNumber(share, 1)} %</td>
            <td class="number end">${formatNumber(this.film.retention_average?.[n] ?? 0, 1)} %</td></tr>`,
        )}</tbody></table></details>`;
  }

  /** Without pictures the curve stands alone. */
  private async load(): Promise<void> {
    try {
      const { storyboard_url } = await api.video(this.film.video_id);
      if (!storyboard_url) return;
      const answer = await fetch(storyboard_url);
      if (answer.ok) this.stills = readStoryboard(await answer.text(), new URL(storyboard_url, location.href).href);
    } catch {
      this.stills = [];
    }
  }
}

function curve(film: FilmNumbers): ChartData {
  const at = (index: number) => formatDuration((index / 100) * film.duration_ms);
  const average = film.retention_average ?? [];
  return {
    lines: [
      { label: "This film", kind: "main", values: film.retention },
      ...(average.length ? [{ label: "average of the owner's films", kind: "soft" as const, values: average }] : []),
    ],
    name: at,
    tick: at,
    value: (share) => `${formatNumber(share, 1)} %`,
    axis: (share) => `${share} %`,
    top: 100,
  };
}

function picture(still: Still, scale: number): TemplateResult {
  const inside = {
    width: `${still.width}px`,
    height: `${still.height}px`,
    backgroundImage: `url("${still.sheet}")`,
    backgroundPosition: `-${still.x}px -${still.y}px`,
    transform: `scale(${scale})`,
  };
  const outside = { width: `${still.width * scale}px`, height: `${still.height * scale}px` };
  return html`<span class="still" style=${styleMap(outside)}><span style=${styleMap(inside)}></span></span>`;
}
