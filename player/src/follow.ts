/**
 * Follows one video until it is finished: by its event stream, or by asking every few seconds when this page already
 * holds two streams (a browser opens only six connections to one HTTP/1.1 server) or the stream is refused.
 */
import * as api from "./api.ts";
import type { Video } from "./model.ts";
import { Problem } from "./problem.ts";

const MOST_STREAMS = 2;
const ASK_EVERY_MS = 3000;
let streams = 0;

export const finished = (video: Pick<Video, "status">) => video.status === "ready" || video.status === "failed";

/** Calls `onChange` with what changed. Stops by itself when the video is ready or failed, or by the returned function. */
export function followVideo(id: number, onChange: (change: Partial<Video>) => void): () => void {
  const stop = new AbortController();
  const tell = (change: Partial<Video>) => {
    if (stop.signal.aborted) return;
    onChange(change);
    if (change.status && finished({ status: change.status })) stop.abort();
  };
  void follow(id, tell, stop.signal);
  return () => stop.abort();
}

async function follow(id: number, tell: (change: Partial<Video>) => void, signal: AbortSignal): Promise<void> {
  if (streams < MOST_STREAMS) {
    streams++;
    try {
      await api.events(`/api/videos/${id}/events`, (event) => tell(parse(event.data)), signal);
      return;
    } catch {
      // Refused: ask instead.
    } finally {
      streams--;
    }
  }
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    if (signal.aborted || document.visibilityState === "hidden") continue;
    try {
      tell(await api.video(id));
    } catch (error) {
      if (Problem.of(error).status === 404) return;
    }
  }
}

function parse(data: string): Partial<Video> {
  try {
    return JSON.parse(data) as Partial<Video>;
  } catch {
    return {};
  }
}
