/** Languages of captions: tags of RFC 5646, the names people know, and a guess from a file's name. */
const OFFERED =
  "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl sr sv ta te th tr uk ur vi zh";

/** 639-2 codes that stand in file names. */
const LONG: Record<string, string> = { eng: "en", ger: "de", deu: "de", fre: "fr", fra: "fr", spa: "es", ita: "it" };

export const offered = OFFERED.split(" ");

/** "de" -> "German"; the tag itself when it has no name. */
export function languageName(tag: string, locale = "en"): string {
  try {
    return new Intl.DisplayNames([locale], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** What somebody typed, a tag or a name ("pt-br", "German", "Deutsch"), as a tag; null when it is neither. */
export function languageTag(text: string): string | null {
  const wanted = text.trim();
  const lower = wanted.toLowerCase();
  const named = offered.find((tag) => names(tag).includes(lower));
  if (named) return named;
  if (!/^[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}$/i.test(wanted)) return null;
  const long = LONG[lower];
  return long ?? canonical(wanted);
}

function names(tag: string): string[] {
  return [languageName(tag, "en"), languageName(tag, tag)].map((name) => name.toLowerCase());
}

function canonical(tag: string): string | null {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null;
  } catch {
    return null;
  }
}

/** "film.de.srt" -> "de"; null when the name says nothing. */
export function guessLanguage(filename: string): string | null {
  const word = /[._ -]([a-z]{2,3}(?:-[a-z]{2,4})?)\.(?:srt|vtt)$/i.exec(filename)?.[1];
  const tag = word ? languageTag(word) : null;
  return tag && offered.includes(tag.split("-")[0] ?? "") ? tag : null;
}
