import { describe, expect, it } from "vitest";
import { isLive, leftOf, speedOf, unitsOf } from "../src/components/job.ts";
import type { Job, Unit, Worker } from "../src/model.ts";
import { isSilent, workOf } from "../src/queue/work.ts";
import { chapterAt, escaped } from "../src/watch/chapters.ts";

describe("a job in words", () => {
  const job = {
    state: "running",
    speed: 3.24,
    eta_ms: 200_000,
    units: { total: 9, done: 4, running: 2, failed: 0 },
  } as Job;

  it("counts its units", () => {
    expect(unitsOf(job)).toBe("4 of 9 units, 2 running");
    expect(unitsOf({ ...job, units: { total: 9, done: 4, running: 0, failed: 1 } })).toBe("4 of 9 units, 1 failed");
  });

  it("has a speed and an end only while it runs", () => {
    expect([speedOf(job), leftOf(job)]).toEqual(["3.2×", "about 4 min"]);
    const paused: Job = { ...job, state: "paused" };
    expect([speedOf(paused), leftOf(paused)]).toEqual(["", ""]);
  });

  it("lives until it is done, failed or cancelled", () => {
    const states = ["queued", "running", "paused", "done", "failed", "cancelled"] as const;
    expect(states.map(isLive)).toEqual([true, true, true, false, false, false]);
  });
});

describe("a worker", () => {
  const unit = {
    kind: "video",
    renditions: ["360p", "720p"],
    first_segment: 8,
    end_segment: 16,
    done_segments: 3,
  } as Unit;

  it("says what it runs, and how far it is", () => {
    expect(workOf(unit)).toBe("video, 360p and 720p: 3 of 8 segments");
    expect(workOf({ ...unit, kind: "probe", renditions: [], first_segment: 0, end_segment: 0 })).toBe("probe");
  });

  it("is silent after a minute", () => {
    const worker = { last_seen: "2026-01-01T12:00:00Z" } as Worker;
    const at = Date.parse(worker.last_seen);
    expect([isSilent(worker, at + 60_000), isSilent(worker, at + 60_001)]).toEqual([false, true]);
  });
});

describe("chapters", () => {
  const chapters = [
    { start_ms: 0, end_ms: 1000, title: "One" },
    { start_ms: 1500, end_ms: 3000, title: "Two" },
  ];

  it.each([
    [0, 0],
    [999, 0],
    [1000, -1],
    [1500, 1],
    [3000, -1],
  ])("at %d ms it is %d", (position, index) => {
    expect(chapterAt(chapters, position)).toBe(index);
  });

  it("keeps a title from becoming markup", () => {
    expect(escaped("<i>Q & A</i>")).toBe("&lt;i&gt;Q &amp; A&lt;/i&gt;");
  });
});
