/** The pictures of a film by time: WebVTT cues that name a place on a sheet. */
export interface Still {
  start_ms: number;
  end_ms: number;
  sheet: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE =
  /(\d+):(\d{2}):(\d{2})\.(\d{3})\s+-->\s+(\d+):(\d{2}):(\d{2})\.(\d{3})[^\n]*\n([^\n#]+)#xywh=(\d+),(\d+),(\d+),(\d+)/g;

/** `base` is the address of the cues: sheets are named beside them. Anything else in the text is passed over. */
export function readStoryboard(text: string, base: string): Still[] {
  return Array.from(text.replaceAll("\r\n", "\n").matchAll(CUE), (match) => {
    const [x, y, width, height] = match.slice(10, 14).map(Number) as [number, number, number, number];
    const sheet = new URL((match[9] as string).trim(), base).href;
    return { start_ms: clock(match, 1), end_ms: clock(match, 5), sheet, x, y, width, height };
  }).filter((still) => still.width > 0 && still.height > 0);
}

function clock(match: RegExpMatchArray, first: number): number {
  const [h, m, s, ms] = match.slice(first, first + 4).map(Number) as [number, number, number, number];
  return ((h * 60 + m) * 60 + s) * 1000 + ms;
}

/** The picture of a moment; the last one before it where there is none. */
export function stillAt(stills: Still[], ms: number): Still | null {
  return stills.findLast((still) => still.start_ms <= ms) ?? stills[0] ?? null;
}

/** `count` pictures at equal distances, each in the middle of its part of the film. */
export function strip(stills: Still[], duration_ms: number, count: number): Still[] {
  const middle = (n: number) => ((n + 0.5) * duration_ms) / count;
  return Array.from({ length: count }, (_, n) => stillAt(stills, middle(n))).filter((still) => still !== null);
}
