/** The controls over the picture: media-chrome's, with keyboard, captions, sound, quality, speed and picture in picture. */
import "media-chrome";
import "media-chrome/menu";
import { html, nothing, type TemplateResult } from "lit";
import { labelOf } from "./sounds.ts";

/** What there is to choose from; a menu of one would only be in the way. */
export interface Choices {
  sounds: boolean;
  captions: boolean;
}

/** In no slot an item is neither seen nor reached by the arrow keys; media-chrome breaks templates that come and go. */
const UNUSED = "unused";

/** `stage` is the id of the element that fills the screen, so that our panels stay visible there. */
export function controls(
  media: HTMLVideoElement,
  title: string,
  stage: string,
  covered: boolean,
  choices: Choices,
): TemplateResult {
  return html`<media-controller aria-label="Player: ${title}" fullscreenelement=${stage} ?inert=${covered}
    breakpoints="sm:420 md:640" data-test="controller">
    ${media}
    <media-loading-indicator slot="centered-chrome" noautohide></media-loading-indicator>
    ${settings(choices)}
    <media-control-bar>
      <media-time-range>
        <media-preview-thumbnail slot="preview"></media-preview-thumbnail>
        <media-preview-chapter-display slot="preview"></media-preview-chapter-display>
        <media-preview-time-display slot="preview"></media-preview-time-display>
      </media-time-range>
    </media-control-bar>
    <media-control-bar>
      <media-play-button data-test="play-pause"></media-play-button>
      <media-seek-backward-button seekoffset="10" class="from-sm"></media-seek-backward-button>
      <media-seek-forward-button seekoffset="10" class="from-sm"></media-seek-forward-button>
      <media-mute-button></media-mute-button>
      <media-volume-range class="from-md"></media-volume-range>
      <media-time-display showduration></media-time-display>
      <span class="control-space"></span>
      <media-captions-button class="from-sm" data-test="captions"></media-captions-button>
      <media-settings-menu-button data-test="settings"></media-settings-menu-button>
      <media-pip-button class="from-sm"></media-pip-button>
      <media-fullscreen-button></media-fullscreen-button>
    </media-control-bar>
  </media-controller>`;
}

function settings(choices: Choices): TemplateResult {
  return html`<media-settings-menu hidden anchor="auto">
    <media-settings-menu-item>
      Quality
      <media-rendition-menu slot="submenu" hidden data-test="quality-menu"><div slot="title">Quality</div></media-rendition-menu>
    </media-settings-menu-item>
    <media-settings-menu-item>
      Speed
      <media-playback-rate-menu slot="submenu" hidden rates="0.5 0.75 1 1.25 1.5 1.75 2">
        <div slot="title">Speed</div>
      </media-playback-rate-menu>
    </media-settings-menu-item>
    <media-settings-menu-item slot=${choices.sounds ? nothing : UNUSED}>
      Sound
      <media-audio-track-menu slot="submenu" hidden .formatMenuItemText=${labelOf} data-test="sound-menu">
        <div slot="title">Sound</div>
      </media-audio-track-menu>
    </media-settings-menu-item>
    <media-settings-menu-item slot=${choices.captions ? nothing : UNUSED}>
      Captions
      <media-captions-menu slot="submenu" hidden data-test="captions-menu"><div slot="title">Captions</div></media-captions-menu>
    </media-settings-menu-item>
  </media-settings-menu>`;
}
