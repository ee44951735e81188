/** The picture that stands for one's own video: any picture of it, or a file. Fires `changed` when the new one is there. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";
import type { Video } from "../model.ts";
import { Problem } from "../problem.ts";
import { formatBytes } from "../size.ts";
import { formatDuration } from "../time.ts";

const MOST_BYTES = 10_000_000;
const TYPES = ["image/jpeg", "image/png", "image/webp"];
const ASK_EVERY_MS = 1000;
const ASK_MOST = 45;

@customElement("s-poster")
export class Poster extends LightElement {
  @property({ attribute: false }) video!: Video;
  /** Where the player stands, in ms. */
  @property({ attribute: false }) position: () => number = () => 0;
  @state() private busy = false;
  @state() private message: TemplateResult | typeof nothing = nothing;

  override render(): TemplateResult {
    const { poster_url } = this.video;
    return html`<section class="stack" aria-labelledby="poster-title" aria-busy=${this.busy}>
      <h3 id="poster-title">Poster</h3>
      ${poster_url ? html`<img class="poster" src=${poster_url} alt="The poster of now" data-test="poster" />` : nothing}
      <p class="small soft">Shown in the list of videos and before playing. Pause the video where it looks good, or choose a file.</p>
      <div class="row">
        <button class="button" type="button" data-test="poster-now" @click=${this.now}>Use the current picture</button>
        <input class="hidden-visually" id="poster-file" type="file" accept=${TYPES.join(",")} data-test="poster-file" @change=${this.choose} />
        <label class="button" for="poster-file">Choose a picture</label>
      </div>
      ${this.message}
    </section>`;
  }

  private readonly now = (): void => {
    const at_ms = Math.max(0, Math.min(this.position(), this.video.duration_ms - 1));
    void this.act(() => api.setPosterAt(this.video.id, at_ms), `The picture at ${formatDuration(at_ms)}`);
  };

  private readonly choose = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    if (!TYPES.includes(file.type)) this.message = bad("A poster is a JPEG, PNG or WebP picture.");
    else if (file.size > MOST_BYTES) this.message = bad(`A poster may have ${formatBytes(MOST_BYTES)} at most.`);
    else void this.act(() => api.setPoster(this.video.id, file), file.name);
  };

  private async act(call: () => Promise<Video>, what: string): Promise<void> {
    if (this.busy) return;
    const before = this.video;
    this.busy = true;
    this.message = notice("info", "The poster is being made…", "poster-waiting");
    try {
      const { poster_url } = await call();
      if (before.status !== "ready") this.message = later(`${what} will be the poster when the video is ready.`);
      else if (before.visibility === "private")
        this.message = later(`${what} will be seen when the video is not private.`);
      else if (poster_url !== before.poster_url || (await this.changed(before.poster_url))) this.message = done(what);
      else this.message = later("The poster is taking longer than usual. It will appear by itself.");
      this.dispatchEvent(new Event("changed"));
    } catch (error) {
      this.message = bad(Problem.of(error).message);
    } finally {
      this.busy = false;
    }
  }

  /** A worker makes it; its address changes with it. */
  private async changed(before: string | null): Promise<boolean> {
    for (let asked = 0; asked < ASK_MOST && this.isConnected; asked++) {
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
      const { poster_url } = await api.video(this.video.id);
      if (poster_url !== before) return true;
    }
    return false;
  }
}

const later = (text: string) => notice("info", text, "poster-later");
const done = (what: string) => notice("good", `${what} is the poster now.`, "poster-done");
const bad = (text: string) => notice("bad", text, "poster-error");
