/** Titles of videos, as far as they still exist and may be seen. */
import * as api from "../api.ts";

const MOST = 60;

export async function titlesOf(ids: Iterable<number>): Promise<ReadonlyMap<number, string>> {
  const wanted = [...new Set(ids)].slice(0, MOST);
  const found = await Promise.allSettled(wanted.map((id) => api.video(id)));
  return new Map(found.flatMap((each) => (each.status === "fulfilled" ? [[each.value.id, each.value.title]] : [])));
}
