/** Finding a sound or captions again in another list, such as that of a finished film: by language and name. */
export interface Named {
  language: string;
  name: string;
}

/** The index of the same track, else of the first in the same language, else -1. */
export function sameTrack(list: readonly Named[], wanted: Named | null): number {
  if (!wanted) return -1;
  const same = list.findIndex(({ language, name }) => language === wanted.language && name === wanted.name);
  if (same >= 0 || !wanted.language) return same;
  return list.findIndex(({ language }) => language === wanted.language);
}
