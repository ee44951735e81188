/**
 * Server-sent events over fetch, because EventSource can't send an Authorization header.
 * The stream is opened again after a cut, with growing pauses; a refusal ends it with a Problem.
 */
import { Problem } from "./problem.ts";

export interface ServerEvent {
  type: string;
  data: string;
  id: string;
}

/** The parser of the WHATWG event stream format; feed it text in any pieces. */
export class EventParser {
  retryMs: number | null = null;
  #rest = "";
  #type = "";
  #data: string[] = [];
  #id = "";
  #first = true;

  push(text: string): ServerEvent[] {
    this.#rest += this.#first && text.startsWith("\uFEFF") ? text.slice(1) : text;
    this.#first &&= text === "";
    const events: ServerEvent[] = [];
    // A CR at the very end may be half of a CRLF: leave it for the next piece.
    for (let end = this.#lineEnd(); end !== null; end = this.#lineEnd()) {
      const line = this.#rest.slice(0, end.at);
      this.#rest = this.#rest.slice(end.at + end.length);
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #lineEnd(): { at: number; length: number } | null {
    const at = this.#rest.search(/[\r\n]/);
    if (at < 0) return null;
    if (this.#rest[at] === "\n") return { at, length: 1 };
    if (at + 1 === this.#rest.length) return null;
    return { at, length: this.#rest[at + 1] === "\n" ? 2 : 1 };
  }

  #line(line: string): ServerEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  #dispatch(): ServerEvent | null {
    const event = { type: this.#type || "message", data: this.#data.join("\n"), id: this.#id };
    const empty = this.#data.length === 0;
    this.#type = "";
    this.#data = [];
    return empty ? null : event;
  }
}

type Fetch = (path: string, init: RequestInit) => Promise<Response>;

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** Calls `onEvent` for each event until `signal` aborts. Resolves then; rejects when the server refuses for good. */
export async function listen(
  send: Fetch,
  path: string,
  onEvent: (event: ServerEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let lastId = "";
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const parser = new EventParser();
    try {
      const response = await send(path, { headers: streamHeaders(lastId), signal, cache: "no-store" });
      await refuse(response);
      for await (const text of pieces(response)) {
        for (const event of parser.push(text)) {
          lastId = event.id || lastId;
          pauseMs = FIRST_PAUSE_MS;
          onEvent(event);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && isRefusal(error)) throw error;
    }
    await pause(parser.retryMs ?? pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** A full house (503 `busy`) is a refusal too: whoever asks now and then takes no place. */
function isRefusal({ status, code }: Problem): boolean {
  return code === "busy" || (status >= 400 && status < 500 && status !== 429);
}

function streamHeaders(lastId: string): Record<string, string> {
  return lastId ? { accept: "text/event-stream", "last-event-id": lastId } : { accept: "text/event-stream" };
}

async function refuse(response: Response): Promise<void> {
  if (!response.ok) throw Problem.parse(response.status, await response.text());
}

async function* pieces(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, BufferSource>);
  if (!reader) return;
  const source = reader.getReader();
  for (let piece = await source.read(); !piece.done; piece = await source.read()) yield piece.value;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
