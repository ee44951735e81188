/** What an owner changes about a video: its preparation, captions, preview, poster; and its report. Fires `changed`. */
import "../components/preparation.ts";
import "./captions.ts";
import "./poster.ts";
import "./preview.ts";
import "./report.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { LightElement } from "../components/light.ts";
import type { Video } from "../model.ts";

@customElement("s-studio")
export class Studio extends LightElement {
  @property({ attribute: false }) video!: Video;
  @property({ attribute: false }) position: () => number = () => 0;

  override render(): TemplateResult {
    const { video } = this;
    const preparing =
      video.status === "ready"
        ? nothing
        : html`<s-preparation .video=${video} @changed=${this.changed}></s-preparation>`;
    return html`<section class="panel stack stack-large" id="manage" aria-labelledby="manage-title" data-test="studio">
      <div><h2 id="manage-title">Manage this video</h2>
        <p class="small soft">Only its owner and operators see this.</p></div>
      ${preparing}
      <s-captions .video=${video} @changed=${this.changed}></s-captions>
      <s-preview .video=${video} @changed=${this.changed}></s-preview>
      <s-poster .video=${video} .position=${this.position} @changed=${this.changed}></s-poster>
      <s-report .video=${video}></s-report>
    </section>`;
  }

  protected override firstUpdated(): void {
    if (location.hash === "#manage") this.querySelector("#manage")?.scrollIntoView({ block: "start" });
  }

  private readonly changed = (): void => {
    this.dispatchEvent(new Event("changed"));
  };
}
