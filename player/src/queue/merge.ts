/** What one event says about the queue: a whole list, or one job. */
import type { Job } from "../model.ts";

/** The list after the event, or null when the event says nothing about jobs. */
export function merge(jobs: Job[], data: string): Job[] | null {
  let told: unknown;
  try {
    told = JSON.parse(data);
  } catch {
    return null;
  }
  if (Array.isArray(told)) return told as Job[];
  if (told === null || typeof told !== "object") return null;
  if ("items" in told && Array.isArray(told.items)) return told.items as Job[];
  if (!("id" in told)) return null;
  const job = told as Job;
  const known = jobs.some(({ id }) => id === job.id);
  return known ? jobs.map((old) => (old.id === job.id ? { ...old, ...job } : old)) : [job, ...jobs];
}
