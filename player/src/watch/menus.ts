/** What the menus of the controls show, filled by whoever plays: qualities, sounds and captions of one video element. */
import type { Choices } from "./controls.ts";
import { Renditions } from "./renditions.ts";
import { Sounds } from "./sounds.ts";

const TEXT = ["subtitles", "captions"];

export const captionsOf = (media: HTMLMediaElement) => [...media.textTracks].filter(({ kind }) => TEXT.includes(kind));

export class Menus {
  readonly renditions: Renditions;
  readonly sounds: Sounds;

  constructor(private readonly media: HTMLVideoElement) {
    this.renditions = Renditions.attach(media);
    this.sounds = Sounds.attach(media);
  }

  get choices(): Choices {
    return { sounds: this.sounds.length > 1, captions: captionsOf(this.media).length > 0 };
  }

  follow(changed: () => void, signal: AbortSignal): void {
    for (const type of ["addtrack", "removetrack"]) {
      this.sounds.addEventListener(type, changed, { signal });
      this.media.textTracks.addEventListener(type, changed, { signal });
    }
  }
}
