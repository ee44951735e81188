/** One file on its way to the server: tus with pause, resume, cancel, and going on after a reload. No rendering here. */
import { DetailedError, defaultOptions, type PreviousUpload, Upload } from "tus-js-client";
import * as api from "../api.ts";
import { session } from "../api.ts";
import type { VideoFields } from "../model.ts";
import { Problem } from "../problem.ts";
import { Pace } from "./pace.ts";

export type TransferState = "waiting" | "sending" | "paused" | "failed" | "sent" | "cancelled";

const CHUNK_BYTES = 16 * 1024 * 1024;
const RETRY_DELAYS_MS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000];

export class Transfer {
  state: TransferState = "waiting";
  sentBytes = 0;
  problem: Problem | null = null;
  videoId: number | null = null;
  /** The interrupted upload of this very file that will be continued, if there is one. */
  previous: PreviousUpload | null = null;
  readonly pace = new Pace();
  readonly #upload: Upload;
  #edited: VideoFields | null = null;

  constructor(
    readonly file: File,
    private readonly changed: () => void,
  ) {
    this.#upload = new Upload(file, {
      endpoint: "/api/uploads",
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRY_DELAYS_MS,
      removeFingerprintOnSuccess: true,
      onBeforeRequest: async (request) => {
        // The token may have ended since the last chunk of a long file.
        const token = await session.token();
        if (token) request.setHeader("Authorization", `Bearer ${token}`);
      },
      onAfterResponse: (request, response) => {
        if (request.getMethod() === "HEAD") mustKnow(response.getStatus(), response.getBody());
        this.#learnVideo(response.getHeader("X-Video-Id"));
      },
      onShouldRetry: (error) => passes(statusOf(error)),
      onProgress: (sent) => this.#progress(sent),
      onSuccess: () => this.#sent(),
      onError: (error) => this.#failed(error),
    });
  }

  /** Look for an interrupted upload of this file; its details come back with it. */
  async findPrevious(): Promise<void> {
    const found = await this.#upload.findPreviousUploads();
    this.previous = found.sort((a, b) => Date.parse(b.creationTime) - Date.parse(a.creationTime))[0] ?? null;
    this.changed();
  }

  start(fields: VideoFields): void {
    const metadata = { ...fields, filename: this.file.name, price_per_minute: String(fields.price_per_minute) };
    const given = Object.entries(metadata).filter(([, value]) => value !== "");
    this.#upload.options.metadata = Object.fromEntries(given);
    this.#edited = this.previous ? fields : null;
    if (this.previous) this.#upload.resumeFromPreviousUpload(this.previous);
    this.resume();
  }

  pause(): void {
    this.#set("paused");
    void this.#upload.abort();
  }

  resume(): void {
    this.problem = null;
    this.pace.restart();
    this.#set("sending");
    this.#upload.start();
  }

  /** Stop and remove what the server has. */
  async cancel(): Promise<void> {
    this.#set("cancelled");
    await this.#upload.abort(true).catch(() => undefined); // the server drops abandoned uploads by itself later
  }

  #learnVideo(header: string | undefined): void {
    if (!header || this.videoId === Number(header)) return;
    this.videoId = Number(header); // another one when the server had dropped the interrupted upload
    void this.#applyEdits(this.videoId);
    this.changed();
  }

  /** The server has the details from when an interrupted upload began; they may have been edited since. */
  async #applyEdits(id: number): Promise<void> {
    if (!this.#edited) return;
    await api.changeVideo(id, this.#edited).catch((error: unknown) => {
      this.problem = Problem.of(error);
      this.changed();
    });
  }

  #progress(sent: number): void {
    this.sentBytes = sent;
    this.pace.note(sent);
    this.changed();
  }

  #sent(): void {
    this.sentBytes = this.file.size;
    this.#set("sent");
  }

  #failed(error: Error): void {
    if (this.state === "cancelled" || this.state === "paused") return;
    this.problem = explain(error);
    this.#set("failed");
  }

  #set(state: TransferState): void {
    this.state = state;
    this.changed();
  }
}

/** Interrupted uploads this browser knows of, newest first. */
export async function interrupted(): Promise<PreviousUpload[]> {
  const all = await defaultOptions.urlStorage.findAllUploads();
  return all.sort((a, b) => Date.parse(b.creationTime) - Date.parse(a.creationTime));
}

export async function forget(upload: PreviousUpload): Promise<void> {
  const token = await session.token();
  const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
  if (upload.uploadUrl) await Upload.terminate(upload.uploadUrl, { headers }).catch(() => undefined);
  await defaultOptions.urlStorage.removeUpload(upload.urlStorageKey);
}

/** No answer, a server in trouble, a lock of the cut connection, a token that just ended: all of them pass. */
const passes = (status: number) => status === 0 || status >= 500 || [401, 409, 423, 429].includes(status);

function statusOf(error: Error): number {
  if (!(error instanceof DetailedError)) return 0;
  return error.originalResponse?.getStatus() ?? (error.causingError instanceof Problem ? error.causingError.status : 0);
}

/**
 * The client starts from nothing after any refusal to say how far an upload is. It may only when the upload is gone: a
 * server that is restarting still has it.
 */
function mustKnow(status: number, body: string): void {
  if (status >= 300 && status !== 404 && status !== 410) throw Problem.parse(status, body);
}

function explain(error: Error): Problem {
  if (error instanceof DetailedError && error.causingError instanceof Problem) return error.causingError;
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (!response) return Problem.offline();
  return Problem.parse(response.getStatus(), response.getBody());
}
