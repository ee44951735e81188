/** Figures as people read them, and what became of them since the period before. Pure. */
import type { FigureName } from "../figures.ts";
import { formatMicros } from "../money.ts";
import { formatDuration } from "../time.ts";

export const LABELS: Record<FigureName, string> = {
  views: "Views",
  starts: "Plays",
  unique_viewers: "Viewers",
  watch_time_ms: "Watch time",
  revenue_micros: "Revenue",
  average_view_duration_ms: "Average view",
  completion_rate: "Seen to the end",
  peak_viewers: "Most at once",
  average_viewers: "On average at once",
  gross_micros: "Charged",
  refunds_micros: "Refunded",
};

/** The name under which an answer defines a figure. */
export function definitionName(name: FigureName): string {
  return name === "revenue_micros" ? "revenue" : name.replace(/_(ms|micros)$/, "");
}

export function formatFigure(name: FigureName, value: number, currency: string, locale?: string): string {
  if (name.endsWith("_micros")) return formatMicros(value, currency, locale);
  if (name === "watch_time_ms") return formatHours(value, locale);
  if (name === "average_view_duration_ms") return formatDuration(value);
  if (name === "completion_rate") return `${formatNumber(value, 1, locale)} %`;
  return formatNumber(value, name === "average_viewers" ? 1 : 0, locale);
}

export function formatNumber(value: number, places = 0, locale?: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: places }).format(value);
}

/** As large figures are shown: of a thousand and more, cents say nothing. */
export function formatTile(name: FigureName, value: number, currency: string, locale?: string): string {
  if (!name.endsWith("_micros") || Math.abs(value) < 1e9) return formatFigure(name, value, currency, locale);
  const whole = { style: "currency", currency, maximumFractionDigits: 0, roundingMode: "trunc" } as const;
  return new Intl.NumberFormat(locale, whole as Intl.NumberFormatOptions).format(value / 1e6);
}

/** Media time: "42 s", "12 min", "3.4 h", "1,250 h". */
export function formatHours(ms: number, locale?: string): string {
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  const hours = ms / 3_600_000;
  return `${formatNumber(hours, hours < 100 ? 1 : 0, locale)} h`;
}

/** On an axis there is little room: 1.2K instead of 1,200. */
export function formatAxis(name: FigureName, value: number, currency: string, locale?: string): string {
  if (name === "watch_time_ms") return value === 0 ? "0" : formatHours(value, locale);
  if (name === "average_view_duration_ms") return formatDuration(value);
  if (name === "completion_rate") return `${formatNumber(value, 1, locale)} %`;
  const compact = { notation: "compact", maximumFractionDigits: 1 } as const;
  if (!name.endsWith("_micros")) return new Intl.NumberFormat(locale, compact).format(value);
  const money = { ...compact, style: "currency", currency, minimumFractionDigits: 0 } as const;
  return new Intl.NumberFormat(locale, money).format(value / 1e6);
}

export interface Change {
  text: string;
  kind: "up" | "down" | "same";
}

/** Percent more or less than before; percentages are compared by points, and from nothing there is no percentage. */
export function change(name: FigureName, now: number, before: number): Change {
  const same: Change = { text: "no change", kind: "same" };
  if (now === before) return same;
  const kind = now > before ? "up" : "down";
  const sign = now > before ? "+" : "−";
  if (name === "completion_rate") {
    const points = formatNumber(Math.abs(now - before), 1);
    return points === "0" ? same : { text: `${sign}${points} points`, kind };
  }
  if (before <= 0) return { text: "new", kind };
  const percent = Math.abs((now - before) / before) * 100;
  if (percent < 0.05) return same;
  return { text: `${sign}${percent >= 1000 ? ">999" : formatNumber(percent, percent < 10 ? 1 : 0)} %`, kind };
}

/** A country's code as its name; what is no code stays as it is. */
export function countryName(code: string, locale?: string): string {
  if (!/^[A-Z]{2}$/.test(code)) return code;
  return new Intl.DisplayNames(locale, { type: "region", fallback: "code" }).of(code) ?? code;
}
