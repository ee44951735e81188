/** Lists with bars: films to press, and where, on what and how they were watched. */
import { html, nothing, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import type { By, FigureName, Ranked, Share } from "../figures.ts";
import { countryName, formatFigure, formatHours, formatNumber } from "./words.ts";

export const RANKINGS: Record<By, { label: string; figure: Extract<FigureName, keyof Ranked> }> = {
  views: { label: "Views", figure: "views" },
  watch_time: { label: "Watch time", figure: "watch_time_ms" },
  revenue: { label: "Revenue", figure: "revenue_micros" },
  viewers: { label: "Viewers", figure: "unique_viewers" },
};

export interface Films {
  items: Ranked[];
  by: By;
  currency: string;
  rank(by: By): void;
  open(film: Ranked): void;
  href(film: Ranked): string;
}

export function films(list: Films): TemplateResult {
  const { figure } = RANKINGS[list.by];
  const most = Math.max(1, ...list.items.map((film) => film[figure]));
  return html`<section class="panel stack breakdowns-films" aria-labelledby="films" data-test="films">
    <div class="row row-apart">
      <h2 id="films">Films</h2>
      <div class="row"><label for="by">by</label>
        <select id="by" class="narrow-select" data-test="films-by" @change=${(event: Event) => list.rank((event.target as HTMLSelectElement).value as By)}>
          ${Object.entries(RANKINGS).map(([by, { label }]) => html`<option value=${by} ?selected=${by === list.by}>${label}</option>`)}
        </select></div>
    </div>
    ${list.items.length === 0 ? html`<p class="soft">Nobody watched anything in this time.</p>` : nothing}
    <ol class="bars" role="list">${list.items.map((film) =>
      bar(
        html`<a href=${list.href(film)} data-test="film" data-video=${film.video_id} @click=${(event: MouseEvent) => follow(event, () => list.open(film))}>${film.title || `Video ${film.video_id}`}</a>`,
        formatFigure(figure, film[figure], list.currency),
        film[figure] / most,
      ),
    )}</ol>
  </section>`;
}

/** A link stays a link for new tabs and windows. */
function follow(event: MouseEvent, open: () => void): void {
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  open();
}

const DEVICES: Record<string, string> = { desktop: "Computer", mobile: "Phone", tablet: "Tablet", tv: "Television" };
const KINDS = {
  devices: { title: "Devices", name: (name: string) => DEVICES[name] ?? plain(name) },
  countries: { title: "Countries", name: (name: string) => plain(countryName(name)) },
  renditions: { title: "Picture quality", name: plain },
  browsers: { title: "Browsers", name: plain },
  systems: { title: "Systems", name: plain },
};
const MOST = 8;

export function shares(kind: keyof typeof KINDS, rows: Share[] | undefined): TemplateResult | typeof nothing {
  if (!rows || rows.length === 0) return nothing;
  const { title, name } = KINDS[kind];
  const amount = (row: Share) =>
    row.watch_time_ms === undefined ? `${formatNumber(row.starts ?? 0)} plays` : formatHours(row.watch_time_ms);
  const line = (row: Share) => bar(name(row.name), `${formatNumber(row.share, 1)} %`, row.share / 100, amount(row));
  return html`<section class="panel stack" aria-labelledby=${kind} data-test=${kind}>
    <h2 id=${kind}>${title}</h2>
    <ol class="bars" role="list">${rows.slice(0, MOST).map(line)}</ol>
    ${
      rows.length > MOST
        ? html`<details class="series"><summary>${rows.length - MOST} more</summary><ol class="bars" role="list">${rows.slice(MOST).map(line)}</ol></details>`
        : nothing
    }
  </section>`;
}

/** Words of ours begin large; names that have capitals keep them (iOS). */
function plain(name: string): string {
  if (!name) return "Unknown";
  return /^[a-z]+$/.test(name) ? name.charAt(0).toUpperCase() + name.slice(1) : name;
}

function bar(name: unknown, amount: string, share: number, more = ""): TemplateResult {
  const width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
  return html`<li class="bar"><span class="bar-fill" style=${styleMap({ width })} aria-hidden="true"></span>
    <span class="bar-name">${name}</span><span class="bar-more small soft number">${more}</span><span class="number">${amount}</span></li>`;
}
