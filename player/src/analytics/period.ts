/** Which days are looked at: chosen from a list or typed, kept in the address so that it can be shared. Pure. */

export const PRESETS = {
  today: "Today",
  yesterday: "Yesterday",
  "7": "7 days",
  "28": "28 days",
  "90": "90 days",
  "365": "365 days",
  month: "This month",
  custom: "Choose days",
} as const;

export type Preset = keyof typeof PRESETS;

/** `from` and `to` are days of the zone, both included. */
export interface Days {
  preset: Preset;
  from: string;
  to: string;
}

const DAY_MS = 86_400_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** The day it is somewhere: "2026-03-29". */
export function dayIn(tz: string, now: Date): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: tz, year: "numeric", month: "2-digit", day: "2-digit" }).format(
    now,
  );
}

/** Days are counted on the calendar, so summer time does not matter. */
export function shifted(day: string, by: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + by * DAY_MS).toISOString().slice(0, 10);
}

export function daysOf(preset: Preset, tz: string, now: Date): Days {
  const today = dayIn(tz, now);
  if (preset === "today" || preset === "custom") return { preset, from: today, to: today };
  if (preset === "yesterday") return { preset, from: shifted(today, -1), to: shifted(today, -1) };
  if (preset === "month") return { preset, from: `${today.slice(0, 8)}01`, to: today };
  return { preset, from: shifted(today, 1 - Number(preset)), to: today };
}

/** What the address asks for; anything it does not say well is the last 28 days. */
export function readDays(search: string, tz: string, now: Date): Days {
  const query = new URLSearchParams(search);
  const preset = query.get("period") ?? "28";
  if (preset === "custom") {
    const [from, to] = [query.get("from") ?? "", query.get("to") ?? ""];
    if (isDay(from) && isDay(to) && from <= to) return { preset, from, to };
  }
  return daysOf(preset in PRESETS && preset !== "custom" ? (preset as Preset) : "28", tz, now);
}

/** The same as a query, without what goes without saying. */
export function writeDays(days: Days): Record<string, string> {
  if (days.preset === "custom") return { period: "custom", from: days.from, to: days.to };
  return days.preset === "28" ? {} : { period: days.preset };
}

export function isDay(text: string): boolean {
  return DATE.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) && text >= "2000" && text < "2100";
}

/** Zones to choose from: the browser's own and UTC. */
export function zones(own: string = Intl.DateTimeFormat().resolvedOptions().timeZone): string[] {
  return [...new Set([own || "UTC", "UTC"])];
}

/** A bucket in words, as long as its interval needs: "Fri 6 Mar", "14:00", "March 2026". */
export function bucketName(start: string, interval: string, tz: string, locale?: string): string {
  const fields: Intl.DateTimeFormatOptions = NAMES[interval] ?? NAMES.day;
  return new Intl.DateTimeFormat(locale, { ...fields, timeZone: tz }).format(new Date(start));
}

const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;
const DAY = { weekday: "short", day: "numeric", month: "short" } as const;
const NAMES: Record<string, Intl.DateTimeFormatOptions> & { day: Intl.DateTimeFormatOptions } = {
  minute: CLOCK,
  hour: { ...DAY, ...CLOCK },
  day: { ...DAY, year: "numeric" },
  week: { day: "numeric", month: "short", year: "numeric" },
  month: { month: "long", year: "numeric" },
};
