import { describe, expect, it } from "vitest";
import { formatBytes } from "../src/size.ts";
import { formatAgo, formatDuration, formatEta, formatMinutesLeft, speakDuration } from "../src/time.ts";

describe("time", () => {
  it.each([
    [0, "0:00"],
    [63_999, "1:03"],
    [3_723_000, "1:02:03"],
    [36_000_000, "10:00:00"],
    [-5, "0:00"],
  ])("writes %i ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [0, "0 seconds"],
    [1000, "1 second"],
    [63_000, "1 minute 3 seconds"],
    [7_263_000, "2 hours 1 minute"],
    [7_200_000, "2 hours"],
  ])("speaks %i ms as %s", (ms, text) => {
    expect(speakDuration(ms)).toBe(text);
  });

  it.each([
    [3000, "a few seconds"],
    [31_000, "about 40 s"],
    [61_000, "about 2 min"],
    [3_600_000, "about 1 h"],
    [5_400_000, "about 1 h 30 min"],
  ])("estimates %i ms as %s", (ms, text) => {
    expect(formatEta(ms)).toBe(text);
  });

  it("never promises more minutes than the balance pays for", () => {
    expect(formatMinutesLeft(1.99)).toBe("1 min");
    expect(formatMinutesLeft(0.5)).toBe("less than a minute");
    expect(formatMinutesLeft(300)).toBe("5 h");
    expect(formatMinutesLeft(null)).toBe("no limit");
  });

  it("says how long ago something was", () => {
    const now = Date.parse("2026-11-22T12:00:00Z");
    expect(formatAgo("2026-11-22T11:59:40Z", now, "en")).toBe("just now");
    expect(formatAgo("2026-11-22T10:00:00Z", now, "en")).toBe("2 hours ago");
    expect(formatAgo("2026-11-21T11:00:00Z", now, "en")).toBe("yesterday");
    expect(formatAgo("2024-11-21T11:00:00Z", now, "en")).toBe("2 years ago");
  });
});

describe("size", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [16_777_216, "16.8 MB"],
    [4_800_000_000, "4.8 GB"],
    [123_000_000_000, "123 GB"],
  ])("writes %i bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
