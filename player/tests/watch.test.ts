import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Patience } from "../src/watch/patience.ts";
import { Place } from "../src/watch/place.ts";
import { Settling } from "../src/watch/settling.ts";
import { labelOf, Sounds } from "../src/watch/sounds.ts";
import { sameTrack } from "../src/watch/tracks.ts";

const english = { language: "en", name: "English" };
const commentary = { language: "en", name: "Commentary" };
const german = { language: "de", name: "Deutsch" };

describe("a track in another list", () => {
  it.each([
    ["by language and name", [english, commentary, german], commentary, 1],
    [
      "by language alone when the name is another",
      [german, { language: "en", name: "English (levelled)" }],
      english,
      1,
    ],
    ["not at all in another language", [german], english, -1],
    ["nothing when nothing was chosen", [english, german], null, -1],
    ["by name when the language is not known", [german, { language: "", name: "x" }], { language: "", name: "x" }, 1],
    ["never the first without a language", [{ language: "", name: "y" }], { language: "", name: "x" }, -1],
  ])("is found %s", (_how, list, wanted, index) => {
    expect(sameTrack(list, wanted)).toBe(index);
  });
});

describe("sounds", () => {
  it("keeps the viewer's choice in every later list", () => {
    const sounds = new Sounds();
    const picked: number[] = [];
    sounds.onselect = (index) => picked.push(index);
    expect(sounds.replace([english, german])).toBe(-1);
    sounds.playing(0);
    for (const sound of sounds) sound.enabled = sound.id === "1"; // as media-chrome does
    expect([picked, sounds.selectedIndex]).toEqual([[1], 1]);
    expect(sounds.replace([german, english, commentary])).toBe(0);
    expect([...sounds].map(({ enabled }) => enabled)).toEqual([true, false, false]);
  });

  it("leaves it to the film where the viewer chose nothing", () => {
    const sounds = new Sounds();
    sounds.replace([english]);
    sounds.playing(0);
    expect(sounds.replace([german, english])).toBe(-1);
  });

  it("shows a name with spaces and colons whole", () => {
    const sounds = new Sounds();
    sounds.replace([{ language: "en", name: "Audio: director 100 %" }]);
    expect(sounds[0]?.label).not.toMatch(/[\s:]/);
    expect(labelOf(sounds[0]?.label ?? "")).toBe("Audio: director 100 %");
    expect(labelOf("100 %")).toBe("100 %");
  });
});

describe("the place", () => {
  it("is kept while the source is exchanged, until the picture is back", () => {
    const media = Object.assign(new EventTarget(), { currentTime: 12.345 });
    const place = new Place(media as unknown as HTMLMediaElement);
    place.keep();
    media.currentTime = 0;
    expect(place.ms).toBe(12_345);
    place.keep();
    expect(place.ms).toBe(12_345);
    media.currentTime = 12.4;
    media.dispatchEvent(new Event("playing"));
    expect(place.ms).toBe(12_400);
  });
});

describe("patience", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const watched = () => {
    const media = Object.assign(new EventTarget(), { paused: false, seeking: false, ended: false, readyState: 4 });
    const told: boolean[] = [];
    const patience = new Patience(media, () => told.push(patience.tried));
    const now = (change: Partial<typeof media>, type: string) => {
      Object.assign(media, change);
      media.dispatchEvent(new Event(type));
    };
    return { told, now };
  };

  it("is tried by a wait of a second and a half, and rests with the picture", () => {
    const { told, now } = watched();
    now({ readyState: 2 }, "waiting");
    vi.advanceTimersByTime(1499);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(1);
    now({ readyState: 4 }, "playing");
    expect(told).toEqual([true, false]);
  });

  it("counts one wait from its beginning, whatever happens within", () => {
    const { told, now } = watched();
    now({ seeking: true, readyState: 1 }, "seeking");
    vi.advanceTimersByTime(1000);
    now({}, "waiting");
    vi.advanceTimersByTime(500);
    expect(told).toEqual([true]);
  });

  it.each([
    ["a pause", { paused: true, readyState: 2 }, "pause"],
    ["the end", { ended: true, readyState: 2 }, "ended"],
    ["a quick answer", { readyState: 4 }, "canplay"],
  ])("is not tried after %s", (_what, change, type) => {
    const { told, now } = watched();
    now({ readyState: 2 }, "waiting");
    now(change, type);
    vi.advanceTimersByTime(5000);
    expect(told).toEqual([]);
  });
});

describe("settling", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const moving = () => {
    const media = new EventTarget();
    const loader = {
      fetching: true,
      config: { maxMaxBufferLength: 30 },
      pauseBuffering: () => void (loader.fetching = false),
      resumeBuffering: () => void (loader.fetching = true),
    };
    const settling = new Settling(media, loader);
    const now = (type: string) => media.dispatchEvent(new Event(type));
    return { loader, now, settling };
  };

  it("fetches a single jump at once, and further ahead when the viewer stays", () => {
    const { loader, now } = moving();
    now("seeking");
    expect([loader.fetching, loader.config.maxMaxBufferLength]).toEqual([true, 4]);
    vi.advanceTimersByTime(3000);
    expect(loader.config.maxMaxBufferLength).toBe(30);
  });

  it("fetches nothing while the place is dragged", () => {
    const { loader, now } = moving();
    now("seeking");
    for (let step = 0; step < 50; step += 1) {
      now("seeked");
      vi.advanceTimersByTime(60);
      now("seeking");
      expect(loader.fetching).toBe(false);
    }
    vi.advanceTimersByTime(400);
    expect(loader.fetching).toBe(true);
  });

  it("waits longer with a viewer who moves on before there is a picture", () => {
    const { loader, now } = moving();
    now("seeking");
    vi.advanceTimersByTime(330);
    now("seeking");
    vi.advanceTimersByTime(399);
    expect(loader.fetching).toBe(false);
    vi.advanceTimersByTime(1);
    expect(loader.fetching).toBe(true);
  });

  it("lets clicks through that each get their picture", () => {
    const { loader, now } = moving();
    for (let click = 0; click < 5; click += 1) {
      now("seeking");
      now("seeked");
      expect(loader.fetching).toBe(true);
      vi.advanceTimersByTime(330);
    }
  });

  it("ends with the player", () => {
    const { loader, now, settling } = moving();
    settling.close();
    now("seeking");
    expect(loader.config.maxMaxBufferLength).toBe(30);
  });
});
