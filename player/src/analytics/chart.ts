/** A line over buckets of equal width, by uPlot. It is a slider: arrow keys walk along it and say what is there. */
import { html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import uPlot from "uplot";
import { LightElement } from "../components/light.ts";

/** `open` is drawn dashed: it may still change. `soft` stands behind the others. */
export interface Line {
  label: string;
  kind: "main" | "open" | "soft";
  values: (number | null)[];
}

export interface ChartData {
  lines: Line[];
  /** The n-th bucket in words, and in as few as an axis has room for. */
  name(index: number): string;
  tick(index: number): string;
  value(amount: number): string;
  axis(amount: number): string;
  /** Where the scale ends; by default a little above the highest value. */
  top?: number;
}

const HEIGHT = 260;
const LOW = 200;
const STEPS = [1, 2, 3, 5, 7, 10, 14, 20, 25, 28, 30, 50, 60, 91, 100, 200, 250, 500];

@customElement("s-chart")
export class Chart extends LightElement {
  @property() label = "";
  @property({ attribute: false }) data: ChartData | null = null;
  @property({ type: Number }) edge = 0; // width of the axis of values; 0: as wide as its words
  @state() private at: number | null = null;
  private plot: uPlot | null = null;
  private readonly dark = matchMedia("(prefers-color-scheme: dark)");
  private readonly sizes = new ResizeObserver(() => this.resize());

  override connectedCallback(): void {
    super.connectedCallback();
    this.dark.addEventListener("change", this.draw);
    void this.updateComplete.then(() => this.isConnected && this.sizes.observe(this.place));
  }

  override disconnectedCallback(): void {
    this.dark.removeEventListener("change", this.draw);
    this.sizes.disconnect();
    this.plot?.destroy();
    this.plot = null;
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    const last = Math.max(0, this.count - 1);
    const at = this.at ?? last;
    return html`<div class="chart-place" role="slider" tabindex="0" aria-label="${this.label}. Arrow keys walk along it."
        aria-valuemin="0" aria-valuemax=${last} aria-valuenow=${at} aria-valuetext=${this.words(at)} data-test="chart"
        @keydown=${this.walk} @click=${this.pick}></div>
      <p class="chart-words small" data-test="chart-words">${this.words(at)}</p>`;
  }

  protected override updated(changed: Map<string, unknown>): void {
    if (changed.has("data")) {
      this.at = null;
      this.draw();
    }
  }

  private get place(): HTMLElement {
    return this.querySelector<HTMLElement>(".chart-place") as HTMLElement;
  }

  private get count(): number {
    return this.data?.lines[0]?.values.length ?? 0;
  }

  /** "Fri 6 Mar: Views 120, may still change". */
  private words(at: number): string {
    const { data } = this;
    if (!data || this.count === 0) return "";
    const said = new Map<string, string>();
    for (const line of data.lines) {
      const amount = line.values[at] ?? null;
      if (amount === null || said.has(line.label)) continue;
      said.set(line.label, `${line.label} ${data.value(amount)}${line.kind === "open" ? ", may still change" : ""}`);
    }
    return `${data.name(at)}: ${[...said.values()].join(", ")}`;
  }

  private readonly walk = (event: KeyboardEvent): void => {
    const last = this.count - 1;
    const at = this.at ?? last;
    const page = Math.max(1, Math.round(last / 10));
    const steps: Record<string, number> = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageDown: at - page,
      PageUp: at + page,
      Home: 0,
      End: last,
    };
    if (event.key === "Enter") this.pick();
    const wanted = steps[event.key];
    if (wanted === undefined || !this.plot) return;
    event.preventDefault();
    const to = Math.min(last, Math.max(0, wanted));
    this.plot.setCursor({ left: this.plot.valToPos(to, "x"), top: 0 });
    this.show(to);
  };

  private readonly pick = (): void => {
    if (this.at !== null) this.dispatchEvent(new CustomEvent("pick", { detail: this.at }));
  };

  private show(at: number | null): void {
    this.at = at;
    this.dispatchEvent(new CustomEvent("point", { detail: at }));
  }

  private readonly draw = (): void => {
    this.plot?.destroy();
    this.plot = null;
    if (!this.data || this.count === 0 || !this.isConnected) return;
    const xs = Array.from({ length: this.count }, (_, index) => index);
    this.plot = new uPlot(this.options(this.data), [xs, ...this.data.lines.map((line) => line.values)], this.place);
  };

  private resize(): void {
    const width = this.place.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: heightFor(width) });
  }

  private options(data: ChartData): uPlot.Options {
    const style = getComputedStyle(this);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const font = `12px ${style.fontFamily}`;
    const axis = { stroke: colour("--text-soft"), font, ticks: { stroke: colour("--line"), size: 4 } };
    const width = this.place.clientWidth || 320;
    const whole = (index: number) => (Number.isInteger(index) ? data.tick(index) : "");
    const size = (_: uPlot, words: string[] | null) =>
      this.edge || Math.max(36, ...(words ?? []).map((word) => 18 + 7 * word.length));
    return {
      width,
      height: heightFor(width),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      hooks: { setCursor: [(plot) => this.show(plot.cursor.idx ?? null)] },
      scales: {
        x: { time: false, range: (_, least, most) => (least === most ? [least - 1, most + 1] : [least, most]) },
        y: { range: (_, _least, most) => [0, data.top ?? (most > 0 ? most * 1.08 : 1)] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: 30, space: 88, incrs: STEPS, values: (_, splits) => splits.map(whole) },
        {
          ...axis,
          grid: { stroke: colour("--line"), width: 1 },
          ticks: { show: false },
          size,
          space: 36,
          values: (_, splits) => splits.map(data.axis),
        },
      ],
      series: [{}, ...data.lines.map((line) => drawn(line, colour, this.count))],
    };
  }
}

function drawn(line: Line, colour: (name: string) => string, count: number): uPlot.Series {
  const soft = line.kind === "soft";
  const stroke = colour(soft ? "--line-strong" : "--accent");
  const found: uPlot.Series = { label: line.label, stroke, width: soft ? 1.5 : 2 };
  if (line.kind === "open") found.dash = [5, 4];
  if (!soft) found.fill = `color-mix(in srgb, ${stroke} 14%, transparent)`;
  if (count === 1) found.points = { show: true, size: 9, fill: stroke };
  else found.points = { show: false };
  return found;
}

const heightFor = (width: number) => (width < 480 ? LOW : HEIGHT);
