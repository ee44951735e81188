/** What the filters say, as the API asks for it. */
import type { Wanted } from "../api.ts";

const DAY_MS = 86_400_000;

/** Days are UTC, as in statements; the last day is included. */
export function wanted(chosen: { type: string; from: string; to: string }): Wanted {
  const after = chosen.to ? new Date(Date.parse(`${chosen.to}T00:00:00Z`) + DAY_MS).toISOString() : "";
  return { type: chosen.type, from: chosen.from ? `${chosen.from}T00:00:00Z` : "", to: after };
}
