/** A dashboard: of the platform or of one's own films, all of them or the one that was pressed. */
import "./chart.ts";
import "./live.ts";
import "./retention.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { failure } from "../components/notice.ts";
import type { By, FigureName, FilmNumbers, Numbers, Ranking } from "../figures.ts";
import { formatDuration } from "../time.ts";
import type { ChartData } from "./chart.ts";
import { choose } from "./choose.ts";
import { films, shares } from "./lists.ts";
import { meaning, standing } from "./meaning.ts";
import { type Days, dayIn, readDays, writeDays, zones } from "./period.ts";
import { quality } from "./quality.ts";
import { chartOf, seriesTable } from "./series.ts";
import { tiles } from "./tiles.ts";
import { definitionName, LABELS } from "./words.ts";

const ASK_EVERY_MS = 60_000;

@customElement("s-numbers")
export class NumbersPanel extends LightElement {
  @property() scope: "dashboard" | "studio" = "dashboard";
  @state() private found: Numbers | FilmNumbers | null = null;
  @state() private ranking: Ranking | null = null;
  @state() private failed: unknown = null;
  @state() private busy = false;
  @state() private figure: FigureName = "views";
  @state() private by: By = "views";
  private tz = zones()[0] as string;
  private days: Days = readDays(location.search, this.tz, new Date());
  private video: number | null = wantedVideo();
  private chart: ChartData | null = null;
  private asked = 0;
  private clock = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.restored);
    this.clock = window.setInterval(() => document.visibilityState === "visible" && this.load(), ASK_EVERY_MS);
    void this.load();
  }

  override disconnectedCallback(): void {
    removeEventListener("popstate", this.restored);
    clearInterval(this.clock);
    super.disconnectedCallback();
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has("found") || changed.has("figure")) this.chart = this.found && chartOf(this.found, this.figure);
  }

  override render(): TemplateResult {
    const { days, tz, busy } = this;
    return html`<div class="stack" aria-busy=${busy}>
      <s-live></s-live>
      ${choose({ days, tz, busy, choose: (next, zone) => this.choose(next, zone), save: () => void this.save() })}
      ${this.failed ? failure(this.failed, () => void this.load()) : nothing}
      ${this.found ? this.content(this.found) : this.failed ? nothing : html`<p class="soft" role="status">Adding up…</p>`}
    </div>`;
  }

  private content(found: Numbers): TemplateResult {
    const film = "video_id" in found ? (found as FilmNumbers) : null;
    return html`${film ? this.about(film) : nothing} ${standing(found)}
      ${tiles(found, this.figure, (figure) => this.show(figure))}
      <section class="panel stack" aria-labelledby="main-chart">
        <h2 id="main-chart">${LABELS[this.figure]}</h2>
        <p class="small soft">${found.definitions[definitionName(this.figure)] ?? ""}</p>
        <s-chart label="${LABELS[this.figure]} by ${found.interval}" .data=${this.chart} @pick=${(event: CustomEvent<number>) => this.closer(event.detail)}></s-chart>
        ${seriesTable(found)}
      </section>
      ${film ? html`<s-retention .film=${film}></s-retention>` : nothing}
      <div class="breakdowns">
        ${film || !this.ranking ? nothing : this.films(this.ranking)} ${shares("devices", found.devices)}
        ${shares("renditions", found.renditions)} ${shares("countries", found.countries)}
        ${shares("browsers", found.browsers)} ${shares("systems", found.systems)}
        ${quality(found.quality, found.previous_quality)}
      </div>
      ${meaning(found)}`;
  }

  private about(film: FilmNumbers): TemplateResult {
    return html`<div class="row" data-test="film-chosen"><strong>${film.title}</strong>
      <span class="soft">${formatDuration(film.duration_ms)}</span>
      <a href="/watch?v=${film.video_id}">Watch</a>
      <button class="button" type="button" data-test="all-films" @click=${() => this.open(null)}>All films</button></div>`;
  }

  private films({ items, currency }: Ranking): TemplateResult {
    return films({
      items,
      currency,
      by: this.by,
      rank: (by) => this.rank(by),
      open: (film) => this.open(film.video_id),
      href: (film) => this.address(film.video_id),
    });
  }

  private show(figure: FigureName): void {
    this.figure = figure;
  }

  private rank(by: By): void {
    this.by = by;
    void this.load();
  }

  private choose(days: Days, tz: string): void {
    this.days = days;
    this.tz = tz;
    history.replaceState(null, "", this.address(this.video));
    void this.load();
  }

  private open(video: number | null): void {
    this.video = video;
    history.pushState(null, "", this.address(video));
    scrollTo({ top: 0 });
    void this.load();
  }

  /** A bucket of days, pressed, becomes the period. */
  private closer(index: number): void {
    const bucket = this.found?.series[index];
    if (!bucket || this.found?.interval === "hour" || this.found?.interval === "minute") return;
    const last = new Date(Date.parse(bucket.end) - 1);
    const days = { preset: "custom" as const, from: dayIn(this.tz, new Date(bucket.start)), to: dayIn(this.tz, last) };
    this.choose(days, this.tz);
  }

  private readonly restored = (): void => {
    this.days = readDays(location.search, this.tz, new Date());
    this.video = wantedVideo();
    void this.load();
  };

  private address(video: number | null): string {
    const query = new URLSearchParams({ ...(video ? { v: String(video) } : {}), ...writeDays(this.days) }).toString();
    return location.pathname + (query ? `?${query}` : "");
  }

  private get wanted(): api.Days {
    return { from: this.days.from, to: this.days.to, tz: this.tz };
  }

  private async save(): Promise<void> {
    try {
      await api.numbersCsv(this.video ?? this.scope, this.wanted);
      this.failed = null;
    } catch (error) {
      this.failed = error;
    }
  }

  /** Only the last question's answer counts. */
  private async load(): Promise<void> {
    this.busy = true;
    const mine = ++this.asked;
    try {
      const [found, ranking] = await Promise.all([
        this.video ? api.filmNumbers(this.video, this.wanted) : api.numbers(this.scope, this.wanted),
        this.video ? null : api.topVideos(this.by, this.wanted),
      ]);
      if (mine !== this.asked) return;
      [this.found, this.ranking, this.failed] = [found, ranking, null];
    } catch (error) {
      if (mine === this.asked) this.failed = error;
    } finally {
      if (mine === this.asked) this.busy = false;
      this.requestUpdate(); // days and zone are no state of their own
    }
  }
}

function wantedVideo(): number | null {
  const text = new URLSearchParams(location.search).get("v") ?? "";
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null;
}
