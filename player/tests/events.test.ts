import { describe, expect, it, vi } from "vitest";
import { EventParser, listen, type ServerEvent } from "../src/events.ts";

const parse = (...pieces: string[]) => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe("event parser", () => {
  it("reads type, id and data of several lines", () => {
    expect(parse("event: video\nid: 7\ndata: a\ndata: b\n\n")).toEqual([{ type: "video", id: "7", data: "a\nb" }]);
  });

  it("takes events in any pieces and with any line ends", () => {
    const text = "data: one\r\n\r\nevent: x\rdata:two\r\rdata: three\n\n";
    const whole = parse(text, "\n");
    const split = parse(...text, "\n");
    expect(split).toEqual(whole);
    expect(whole.map((event) => event.data)).toEqual(["one", "two", "three"]);
  });

  it("ignores comments, unknown fields and events without data", () => {
    expect(parse(": ping\n\nevent: empty\n\nfoo: bar\ndata: real\n\n")).toEqual([
      { type: "message", id: "", data: "real" },
    ]);
  });

  it("keeps the id, notes the retry time, and skips a byte order mark", () => {
    const parser = new EventParser();
    const events = parser.push("\uFEFFid: 1\nretry: 250\ndata: a\n\ndata: b\n\n");
    expect(events.map((event) => event.id)).toEqual(["1", "1"]);
    expect(parser.retryMs).toBe(250);
  });

  it("holds back an event whose end has not arrived", () => {
    expect(parse("data: half\n")).toEqual([]);
  });
});

describe("listening", () => {
  it("opens the stream again after a cut, from the last id", async () => {
    const asked: (string | null)[] = [];
    const heard: ServerEvent[] = [];
    const stop = new AbortController();
    const send = async (_path: string, init: RequestInit) => {
      asked.push(new Headers(init.headers).get("last-event-id"));
      return new Response(`retry: 1\nid: ${asked.length}\ndata: hello\n\n`);
    };
    await listen(send, "/events", (event) => heard.push(event) === 3 && stop.abort(), stop.signal);
    expect(asked).toEqual([null, "1", "2"]);
  });

  it("tries again after a failing server and a lost connection, with growing pauses", async () => {
    vi.useFakeTimers();
    const stop = new AbortController();
    const at: number[] = [];
    const send = async () => {
      at.push(Date.now());
      if (at.length === 1) throw new TypeError("Failed to fetch");
      if (at.length === 2) return new Response("down", { status: 503 });
      return new Response("data: back\n\n");
    };
    const listening = listen(send, "/events", () => stop.abort(), stop.signal);
    await vi.runAllTimersAsync();
    await listening;
    vi.useRealTimers();
    expect(at.map((time) => time - (at[0] ?? 0))).toEqual([0, 1000, 3000]);
  });

  it("gives up when there is no place left, so that its caller can ask now and then instead", async () => {
    const send = async () => new Response(JSON.stringify({ code: "busy", detail: "Full." }), { status: 503 });
    await expect(listen(send, "/events", () => undefined, new AbortController().signal)).rejects.toMatchObject({
      code: "busy",
    });
  });

  it("gives up when the server refuses", async () => {
    const body = JSON.stringify({ code: "forbidden", detail: "Only operators may do this." });
    const send = async () => new Response(body, { status: 403 });
    const refused = listen(send, "/events", () => undefined, new AbortController().signal);
    await expect(refused).rejects.toMatchObject({ status: 403, code: "forbidden" });
  });
});
