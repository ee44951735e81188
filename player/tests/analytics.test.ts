import { describe, expect, it } from "vitest";
import { bucketName, dayIn, daysOf, readDays, shifted, writeDays, zones } from "../src/analytics/period.ts";
import { lines } from "../src/analytics/series.ts";
import { readStoryboard, stillAt, strip } from "../src/analytics/storyboard.ts";
import { change, countryName, definitionName, formatAxis, formatFigure, formatHours } from "../src/analytics/words.ts";
import type { Bucket } from "../src/figures.ts";
import { months } from "../src/history/months.ts";

const NOW = new Date("2026-03-29T22:30:00Z"); // in Berlin half past midnight, in the night after summer time began

describe("periods", () => {
  it("are days of the chosen zone", () => {
    expect(dayIn("UTC", NOW)).toBe("2026-03-29");
    expect(dayIn("Europe/Berlin", NOW)).toBe("2026-03-30");
    expect(daysOf("7", "Europe/Berlin", NOW)).toEqual({ preset: "7", from: "2026-03-24", to: "2026-03-30" });
    expect(daysOf("yesterday", "UTC", NOW)).toEqual({ preset: "yesterday", from: "2026-03-28", to: "2026-03-28" });
    expect(daysOf("month", "UTC", NOW)).toEqual({ preset: "month", from: "2026-03-01", to: "2026-03-29" });
    expect(shifted("2026-03-01", -1)).toBe("2026-02-28");
  });

  it.each([
    ["?period=90", "90", "2025-12-30"],
    ["?period=custom&from=2026-01-01&to=2026-01-31", "custom", "2026-01-01"],
    ["?period=custom&from=2026-02-01&to=2026-01-31", "28", "2026-03-02"],
    ["?period=custom&from=2026-13-01&to=2026-13-02", "28", "2026-03-02"],
    ["?period=<script>", "28", "2026-03-02"],
    ["", "28", "2026-03-02"],
  ])("asked for as %s", (search, preset, from) => {
    const days = readDays(search, "UTC", NOW);
    expect([days.preset, days.from]).toEqual([preset, from]);
    expect(readDays(`?${new URLSearchParams(writeDays(days))}`, "UTC", NOW)).toEqual(days);
  });

  it("name their buckets in the zone", () => {
    expect(bucketName("2026-03-28T23:00:00Z", "day", "Europe/Berlin", "en-GB")).toContain("29 Mar");
    expect(bucketName("2026-03-28T23:00:00Z", "hour", "UTC", "en-GB")).toContain("23:00");
    expect(bucketName("2026-02-28T23:00:00Z", "month", "Europe/Berlin", "en-GB")).toBe("March 2026");
    expect(zones("UTC")).toEqual(["UTC"]);
  });
});

describe("figures", () => {
  it("are short where there is little room", () => {
    expect(formatHours(42_999)).toBe("42 s");
    expect(formatHours(3_599_999)).toBe("59 min");
    expect(formatHours(4_500_000_000, "en")).toBe("1,250 h");
    expect(formatFigure("revenue_micros", 12_349_999, "USD", "en")).toBe("$12.34");
    expect(formatFigure("average_view_duration_ms", 63_999, "USD")).toBe("1:03");
    expect(formatAxis("revenue_micros", 1_500_000_000, "USD", "en")).toBe("$1.5K");
  });

  it("are told against the period before", () => {
    expect(change("views", 110, 100)).toEqual({ text: "+10 %", kind: "up" });
    expect(change("views", 1, 3).kind).toBe("down");
    expect(change("views", 5, 0)).toEqual({ text: "new", kind: "up" });
    expect(change("views", 0, 0).kind).toBe("same");
    expect(change("completion_rate", 40, 42.5)).toEqual({ text: "−2.5 points", kind: "down" });
    expect(change("watch_time_ms", 1_000_000, 1_000_001).kind).toBe("same");
    expect(change("completion_rate", 40.01, 40).kind).toBe("same");
    expect(change("views", 5000, 1).text).toBe("+>999 %");
  });

  it("have the name of their definition", () => {
    expect(definitionName("watch_time_ms")).toBe("watch_time");
    expect(definitionName("gross_micros")).toBe("gross");
    expect(countryName("DE", "en")).toBe("Germany");
    expect(countryName("unknown")).toBe("unknown");
    expect(countryName("XX", "en")).toBe("XX");
  });
});

const bucket = (views: number, provisional: boolean) => ({ views, provisional }) as Bucket;

describe("a series", () => {
  it("is dashed from the last settled bucket on", () => {
    expect(lines([bucket(3, false), bucket(4, false), bucket(1, true)], "views").map((line) => line.values)).toEqual([
      [3, 4, null],
      [null, 4, 1],
    ]);
  });

  it("is one line when all is settled, and dashed when nothing is", () => {
    expect(lines([bucket(3, false)], "views")).toHaveLength(1);
    expect(lines([bucket(3, true)], "views").map((line) => line.values)).toEqual([[null], [3]]);
  });
});

const CUES =
  "WEBVTT\n\n00:00:00.000 --> 00:00:18.000\nstoryboard-0.jpg#xywh=0,0,160,90\n\n00:00:18.000 --> 01:00:36.500\nstoryboard-1.jpg#xywh=160,90,160,90\n";

describe("a storyboard", () => {
  const stills = readStoryboard(CUES, "http://films.example/media/7/1/storyboard.vtt");

  it("has a picture for each moment", () => {
    expect(stills[1]).toEqual({
      start_ms: 18_000,
      end_ms: 3_636_500,
      sheet: "http://films.example/media/7/1/storyboard-1.jpg",
      x: 160,
      y: 90,
      width: 160,
      height: 90,
    });
    expect(stillAt(stills, 17_999)).toBe(stills[0]);
    expect(stillAt(stills, 9e9)).toBe(stills[1]);
    expect(strip(stills, 36_000, 2)).toEqual([stills[0], stills[1]]);
  });

  it("is empty when the text is something else", () => {
    expect(readStoryboard("<html>#xywh=1</html>", "http://films.example/")).toEqual([]);
    expect(stillAt([], 0)).toBeNull();
  });
});

describe("history", () => {
  it("adds up month by month, newest first as told", () => {
    const item = (created_at: string, watch_time_ms: number) =>
      ({ created_at, watch_time_ms, revenue_micros: 10 }) as never;
    const found = months(
      [item("2026-03-01T00:30:00Z", 5), item("2026-02-28T23:30:00Z", 7), item("2026-02-01T00:00:00Z", 1)],
      "en",
      "UTC",
    );
    expect(found.map(({ name, watch_time_ms, revenue_micros }) => [name, watch_time_ms, revenue_micros])).toEqual([
      ["March 2026", 5, 10],
      ["February 2026", 8, 20],
    ]);
  });
});
