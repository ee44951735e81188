/** What media-chrome's quality menu reads: `videoRenditions` of the media element, here filled from hls.js levels. */

export interface Quality {
  id: string;
  width: number;
  height: number;
  bitrate: number;
}

export class Renditions extends EventTarget {
  [index: number]: Quality;
  length = 0;
  /** Called with the index the viewer picked, -1 for automatic. */
  onselect: (index: number) => void = () => undefined;
  #selected = -1;

  get selectedIndex(): number {
    return this.#selected;
  }

  set selectedIndex(index: number) {
    if (index === this.#selected) return;
    this.#selected = index;
    this.onselect(index);
    this.dispatchEvent(new Event("change"));
  }

  *[Symbol.iterator](): Iterator<Quality> {
    for (let i = 0; i < this.length; i++) yield this[i] as Quality;
  }

  /** Replace the list; a quality picked by hand stays picked if the new list has that height. */
  replace(list: Quality[]): void {
    const height = this[this.#selected]?.height;
    for (let i = 0; i < this.length; i++) delete this[i];
    list.forEach((quality, i) => {
      this[i] = quality;
    });
    this.length = list.length;
    this.#selected = height === undefined ? -1 : list.findIndex((quality) => quality.height === height);
    if (this.#selected >= 0) this.onselect(this.#selected);
    this.dispatchEvent(new Event(list.length > 0 ? "addrendition" : "removerendition"));
    this.dispatchEvent(new Event("change"));
  }

  /** Give a video element its list, before media-chrome sees the element. */
  static attach(video: HTMLVideoElement): Renditions {
    const renditions = new Renditions();
    Object.defineProperty(video, "videoRenditions", { value: renditions });
    return renditions;
  }
}
