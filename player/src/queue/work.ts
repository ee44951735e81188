/** What a worker is at, in words. */
import type { Unit, Worker } from "../model.ts";

const SILENT_MS = 60_000;

/** "video, 360p and 720p: 3 of 8 segments"; kinds without segments are just named. */
export function workOf(unit: Unit): string {
  const what = [unit.kind, joined(unit.renditions)].filter(Boolean).join(", ");
  const segments = unit.end_segment - unit.first_segment;
  return segments > 0 ? `${what}: ${unit.done_segments} of ${segments} segments` : what;
}

function joined(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

export function isSilent(worker: Worker, now: number = Date.now()): boolean {
  return now - Date.parse(worker.last_seen) > SILENT_MS;
}
