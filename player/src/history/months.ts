/** Sessions by the month in which they began, in the browser's own time; sums of what is shown. */
import type { Watched } from "../figures.ts";

export interface Month {
  name: string;
  items: Watched[];
  watch_time_ms: number;
  revenue_micros: number;
}

export function months(items: Watched[], locale?: string, timeZone?: string): Month[] {
  const words = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric", ...(timeZone ? { timeZone } : {}) });
  const found = new Map<string, Month>();
  for (const item of items) {
    const name = words.format(new Date(item.created_at));
    const month = found.get(name) ?? { name, items: [], watch_time_ms: 0, revenue_micros: 0 };
    month.items.push(item);
    month.watch_time_ms += item.watch_time_ms;
    month.revenue_micros += item.revenue_micros;
    found.set(name, month);
  }
  return [...found.values()];
}
