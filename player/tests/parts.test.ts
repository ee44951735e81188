import { describe, expect, it } from "vitest";
import { Problem } from "../src/problem.ts";
import { destination } from "../src/signin/destination.ts";
import { Pace } from "../src/upload/pace.ts";
import { Experience } from "../src/watch/experience.ts";
import { Renditions } from "../src/watch/renditions.ts";

describe("problem", () => {
  it("keeps code, sentence and field messages", () => {
    const errors = [{ field: "password", message: "Too short." }];
    const problem = Problem.parse(422, JSON.stringify({ code: "invalid_request", detail: "See errors.", errors }));
    expect([problem.code, problem.message, problem.field("password"), problem.field("email")]).toEqual([
      "invalid_request",
      "See errors.",
      "Too short.",
      undefined,
    ]);
  });

  it.each(["<html>502</html>", "", "null", "[]"])("makes a sentence of an answer that is no problem: %j", (text) => {
    expect(Problem.parse(502, text).message).toContain("502");
    expect(Problem.parse(502, text).code).toBe("http_502");
  });

  it("takes a failed fetch for a lost connection", () => {
    expect(Problem.of(new TypeError("Failed to fetch")).code).toBe("offline");
  });
});

describe("where to go after signing in", () => {
  const origin = "https://streamify.example";
  it.each([
    ["/watch?v=3#t", "/watch?v=3#t"],
    [null, "/"],
    ["https://evil.example/x", "/"],
    ["//evil.example", "/"],
    ["/\\evil.example", "/"],
    ["javascript:alert(1)", "/"],
    ["/signin?next=/", "/"],
  ])("%j leads to %s", (next, to) => {
    expect(destination(next, origin)).toBe(to);
  });
});

describe("pace", () => {
  it("smooths the speed and forgets it after a pause", () => {
    let now = 0;
    const pace = new Pace(() => now);
    for (let second = 0; second <= 20; second++) {
      now = second * 1000;
      pace.note(second * 1_000_000);
    }
    expect(pace.bytesPerSecond).toBeCloseTo(1_000_000);
    expect(pace.etaMs(5_000_000)).toBeCloseTo(5000);
    pace.restart();
    expect(pace.etaMs(5_000_000)).toBeNull();
  });
});

describe("experience", () => {
  it("counts stalls while playing, but neither the start nor seeks", () => {
    let now = 0;
    const experience = new Experience(() => now);
    experience.pressed();
    experience.waiting(false);
    now = 800;
    experience.moving();
    experience.waiting(true);
    now = 1000;
    experience.waiting(false);
    experience.waiting(false);
    now = 1700;
    experience.moving();
    expect([experience.startupMs, experience.stalls, experience.stallMs]).toEqual([800, 1, 700]);
  });
});

describe("renditions", () => {
  const low = { id: "0", width: 640, height: 360, bitrate: 1 };
  const high = { id: "1", width: 1280, height: 720, bitrate: 2 };

  it("keeps the viewer's quality when the list grows", () => {
    const renditions = new Renditions();
    const picked: number[] = [];
    renditions.onselect = (index) => picked.push(index);
    renditions.replace([low]);
    renditions.selectedIndex = 0;
    renditions.replace([high, low]);
    expect([renditions.selectedIndex, [...renditions].length, picked]).toEqual([1, 2, [0, 1]]);
  });

  it("falls back to automatic when that quality is gone", () => {
    const renditions = new Renditions();
    renditions.replace([low]);
    renditions.selectedIndex = 0;
    renditions.replace([high]);
    expect(renditions.selectedIndex).toBe(-1);
  });
});
