/** Upload: drop files or choose them, describe them, watch them become videos. */
import "../components/header.ts";
import "./item.ts";
import "./own.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { PreviousUpload } from "tus-js-client";
import { account, FollowsAccount, signInHref } from "../account.ts";
import * as api from "../api.ts";
import { uploadIcon } from "../components/icons.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";
import { formatBytes } from "../size.ts";
import { formatAgo } from "../time.ts";
import type { UploadItem } from "./item.ts";
import { forget, interrupted } from "./transfer.ts";

@customElement("upload-page")
export class UploadPage extends LightElement {
  @state() private files: File[] = [];
  @state() private left: PreviousUpload[] = [];
  @state() private categories: string[] = [];
  @state() private over = false;

  constructor() {
    super();
    new FollowsAccount(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("beforeunload", this.warn);
    // A file dropped beside the box would otherwise replace this page.
    for (const type of ["dragover", "drop"]) window.addEventListener(type, (event) => event.preventDefault());
    void account.load().then((user) => user && this.begin());
  }

  override disconnectedCallback(): void {
    window.removeEventListener("beforeunload", this.warn);
    super.disconnectedCallback();
  }

  override render(): TemplateResult {
    return html`<div class="stack stack-large narrow" style="max-width: 52rem">
      <h1>Upload</h1>
      ${this.content()}
    </div>`;
  }

  private content(): TemplateResult {
    if (!account.known) return html`<p class="soft" role="status">Loading…</p>`;
    if (!account.user) {
      return notice("info", html`<a href=${signInHref()} data-test="signin-link">Sign in</a> to upload videos.`);
    }
    return html`${this.box()} ${this.leftovers()}
      ${
        this.files.length > 1
          ? html`<div><button class="button" type="button" data-test="start-all" @click=${this.startAll}>Start all ${this.files.length} uploads</button></div>`
          : nothing
      }
      <div class="stack" data-test="uploads">
        ${repeat(
          this.files,
          (file) => file,
          (file) =>
            html`<s-upload data-test="upload" .file=${file} .categories=${this.categories} @dropped=${this.dropped}></s-upload>`,
        )}
      </div>
      <s-own .user=${account.user}></s-own>`;
  }

  private box(): TemplateResult {
    return html`<section class="drop" aria-label="Choose files" data-test="drop-zone" ?data-over=${this.over}
      @dragover=${() => this.hover(true)} @dragleave=${() => this.hover(false)} @drop=${this.drop}>
      ${uploadIcon}
      <p>Drop video files here</p>
      <input class="hidden-visually" id="files" type="file" multiple data-test="files" @change=${this.chosen}
        accept="video/*,audio/*,.mkv,.ts,.m2ts,.mxf,.flv,.avi,.mpg,.vob" />
      <label class="button button-main" for="files">Choose files</label>
      <p class="small soft">A video can be watched seconds after its last byte has arrived. An interrupted upload goes on
        where it stopped, even after a restart.</p>
    </section>`;
  }

  private leftovers(): TemplateResult | typeof nothing {
    if (this.left.length === 0) return nothing;
    return html`<section class="panel stack" aria-labelledby="left">
      <h2 id="left">Interrupted uploads</h2>
      <p class="small soft">Choose the same file again to go on where it stopped.</p>
      <ul role="list" class="stack stack-small">${this.left.map(
        (upload) => html`<li class="row row-apart" data-test="interrupted">
          <span>${upload.metadata.filename ?? "A file"}
            <span class="soft small">${upload.size ? formatBytes(upload.size) : ""}, begun ${formatAgo(upload.creationTime)}</span></span>
          <button class="button" type="button" @click=${() => void this.forget(upload)}
            aria-label="Discard ${upload.metadata.filename ?? "this upload"}">Discard</button>
        </li>`,
      )}</ul>
    </section>`;
  }

  private async begin(): Promise<void> {
    this.left = await interrupted();
    this.categories = await api.categories().catch(() => []);
  }

  private async forget(upload: PreviousUpload): Promise<void> {
    await forget(upload);
    this.left = this.left.filter((other) => other !== upload);
  }

  private hover(over: boolean): void {
    this.over = over;
  }

  private readonly drop = (event: DragEvent): void => {
    event.preventDefault();
    this.over = false;
    this.add(event.dataTransfer?.files);
  };

  private readonly chosen = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    this.add(input.files);
    input.value = "";
  };

  private add(files: FileList | null | undefined): void {
    const fresh = [...(files ?? [])].filter((file) => !this.files.some((known) => same(known, file)));
    this.files = [...this.files, ...fresh];
    this.left = this.left.filter(
      ({ metadata, size }) => !fresh.some((f) => f.name === metadata.filename && f.size === size),
    );
  }

  private readonly dropped = (event: CustomEvent<File>): void => {
    this.files = this.files.filter((file) => file !== event.detail);
  };

  private readonly startAll = (): void => {
    for (const item of this.querySelectorAll<UploadItem>("s-upload")) item.start();
  };

  private readonly warn = (event: BeforeUnloadEvent): void => {
    const sending = [...this.querySelectorAll<UploadItem>("s-upload")].some(
      ({ transfer }) => transfer.state === "sending",
    );
    if (sending) event.preventDefault();
  };
}

const same = (a: File, b: File) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
