/** Times and lengths as people read them. */

/** 3723000 -> "1:02:03", 63000 -> "1:03". */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** For screen readers and sentences: 3723000 -> "1 hour 2 minutes", 63000 -> "1 minute 3 seconds". */
export function speakDuration(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(total / 3600), "hour"],
    [Math.floor(total / 60) % 60, "minute"],
    [total % 60, "second"],
  ];
  const said = parts.filter(([n]) => n > 0).slice(0, 2);
  if (said.length === 0) return "0 seconds";
  return said.map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`).join(" ");
}

/** How long something will still take, without false precision: "a few seconds", "about 4 min", "about 1 h 20 min". */
export function formatEta(ms: number): string {
  if (ms < 10_000) return "a few seconds";
  if (ms < 60_000) return `about ${Math.ceil(ms / 10_000) * 10} s`;
  const minutes = Math.ceil(ms / 60_000);
  if (minutes < 60) return `about ${minutes} min`;
  const rest = minutes % 60;
  return `about ${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
}

/** What a balance still pays for. Null means no limit (free, or the owner's own video). */
export function formatMinutesLeft(minutes: number | null): string {
  if (minutes === null) return "no limit";
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return `${Math.floor(minutes)} min`;
  return `${Math.floor(minutes / 60)} h`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "2 hours ago", "yesterday", "just now". */
export function formatAgo(time: string, now: number = Date.now(), locale?: string): string {
  const seconds = (Date.parse(time) - now) / 1000;
  const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  if (!step) return "just now";
  const words = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  return words.format(Math.trunc(seconds / step[1]), step[0]);
}

export function formatWhen(time: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/** 63012 -> "1:03.012": for arithmetic that can be checked. */
export function formatExactDuration(ms: number): string {
  return `${formatDuration(ms)}.${String(ms % 1000).padStart(3, "0")}`;
}

/** Statements and proofs speak UTC, so that everybody reads the same. */
export function formatUtc(time: string): string {
  const fields = { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" } as const;
  return `${new Intl.DateTimeFormat(undefined, fields).format(new Date(time))} UTC`;
}

/** "2026-07" -> "July 2026". */
export function formatMonth(month: string, locale?: string): string {
  const fields = { month: "long", year: "numeric", timeZone: "UTC" } as const;
  return new Intl.DateTimeFormat(locale, fields).format(new Date(`${month}-01T00:00:00Z`));
}

/** The month of a moment (UTC), `by` months later: "2026-07". */
export function monthOf(moment: Date, by = 0): string {
  return new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + by)).toISOString().slice(0, 7);
}
