/**
 * What media-chrome's audio menu reads: `audioTracks` of the media element, here filled from hls.js. Browsers that play
 * HLS themselves have their own list.
 */
import { type Named, sameTrack } from "./tracks.ts";

export class Sound {
  readonly kind = "";
  readonly #list: Sounds; // not a property: media-chrome makes JSON of these

  constructor(
    list: Sounds,
    readonly id: string,
    readonly language: string,
    readonly name: string,
  ) {
    this.#list = list;
  }

  /** media-chrome joins its lists with spaces and colons, so a label must hold neither; `labelOf` undoes it. */
  get label(): string {
    return encodeURIComponent(this.name);
  }

  get enabled(): boolean {
    return this.#list.selectedIndex === Number(this.id);
  }

  set enabled(on: boolean) {
    if (on) this.#list.select(Number(this.id));
  }
}

export function labelOf(label: string): string {
  try {
    return decodeURIComponent(label);
  } catch {
    return label;
  }
}

export class Sounds extends EventTarget {
  [index: number]: Sound;
  length = 0;
  selectedIndex = -1;
  /** Called with the index the viewer picked. */
  onselect: (index: number) => void = () => undefined;
  #chosen: Named | null = null;

  *[Symbol.iterator](): Iterator<Sound> {
    for (let i = 0; i < this.length; i++) yield this[i] as Sound;
  }

  /** The viewer's choice; it holds for every later list. */
  select(index: number): void {
    const sound = this[index];
    if (!sound || index === this.selectedIndex) return;
    this.#chosen = { language: sound.language, name: sound.name };
    this.playing(index);
    this.onselect(index);
  }

  /** This one is heard now. */
  playing(index: number): void {
    this.selectedIndex = index;
    this.dispatchEvent(new Event("change"));
  }

  /** Replace the list; gives the index of what the viewer chose, -1 when that is for the film to say. */
  replace(list: readonly Named[]): number {
    for (let i = 0; i < this.length; i++) delete this[i];
    list.forEach(({ language, name }, i) => {
      this[i] = new Sound(this, String(i), language, name);
    });
    this.length = list.length;
    this.selectedIndex = sameTrack(list, this.#chosen);
    this.dispatchEvent(new Event(list.length > 0 ? "addtrack" : "removetrack"));
    this.dispatchEvent(new Event("change"));
    return this.selectedIndex;
  }

  /** Give a video element its list, before media-chrome sees the element. */
  static attach(video: HTMLVideoElement): Sounds {
    const sounds = new Sounds();
    if ("MediaSource" in window) Object.defineProperty(video, "audioTracks", { value: sounds });
    return sounds;
  }
}
