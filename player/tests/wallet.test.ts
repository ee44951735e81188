import { describe, expect, it } from "vitest";
import type { Proof } from "../src/accounts.ts";
import { formatFull } from "../src/money.ts";
import { place } from "../src/proof/log.ts";
import { bars, filmLength, length, parts } from "../src/proof/timeline.ts";
import { formatExactDuration, formatMonth, formatUtc, monthOf } from "../src/time.ts";
import { wanted } from "../src/wallet/wanted.ts";

describe("filters", () => {
  it("ask for whole days in UTC, the last one included", () => {
    expect(wanted({ type: "charge", from: "2026-02-01", to: "2026-02-28" })).toEqual({
      type: "charge",
      from: "2026-02-01T00:00:00Z",
      to: "2026-03-01T00:00:00.000Z",
    });
  });

  it("ask for everything when nothing is chosen", () => {
    expect(wanted({ type: "", from: "", to: "" })).toEqual({ type: "", from: "", to: "" });
  });
});

describe("months", () => {
  it.each([
    ["2026-01-31T23:59:59Z", 0, "2026-01"],
    ["2026-01-31T00:00:00Z", 1, "2026-02"],
    ["2026-01-15T00:00:00Z", -1, "2025-12"],
    ["2026-12-31T23:59:59Z", 1, "2027-01"],
  ])("%s and %i more is %s", (moment, by, month) => {
    expect(monthOf(new Date(moment), by)).toBe(month);
  });

  it("has its name whatever the browser's own zone", () => {
    expect(formatMonth("2026-07", "en")).toBe("July 2026");
    expect(formatUtc("2026-07-01T00:30:00Z")).toContain("12:30");
  });
});

describe("exact figures", () => {
  it("keep every digit there is", () => {
    expect(formatFull(-90_501, "USD", "en")).toBe("-$0.090501");
    expect(formatFull(5_000_000, "USD", "en")).toBe("$5.00");
    expect(formatExactDuration(63_012)).toBe("1:03.012");
    expect(formatExactDuration(4_000)).toBe("0:04.000");
  });
});

function proof(intervals: Partial<Proof["intervals"]>, film_ms = 100_000): Proof {
  const all = { delivered: [], charged: [], free: [], forgiven: [], exact: true, ...intervals };
  return { film_ms, intervals: all } as unknown as Proof;
}

describe("the timeline of a proof", () => {
  it("puts parts where they are in the film", () => {
    expect(bars([[10_000, 30_000]], 100_000)).toEqual([{ x: 100, width: 200 }]);
  });

  it("shows the shortest part, also at the end, and stays within the film", () => {
    expect(bars([[99_999, 100_000]], 100_000)).toEqual([{ x: 998, width: 2 }]);
    expect(bars([[0, 500_000]], 100_000)).toEqual([{ x: 0, width: 1000 }]);
    expect(bars([], 0)).toEqual([]);
  });

  it("lists what became of each part in the order of the film", () => {
    const found = proof({
      charged: [
        [0, 10],
        [40, 50],
      ],
      free: [[10, 40]],
      forgiven: [[50, 60]],
    });
    expect(parts(found).map(({ fate, part }) => [fate, ...part])).toEqual([
      ["charged", 0, 10],
      ["free", 10, 40],
      ["charged", 40, 50],
      ["forgiven", 50, 60],
    ]);
    expect(length(found.intervals.charged)).toBe(20);
  });

  it("is as long as what was received when nobody knows the film's length", () => {
    expect(
      filmLength(
        proof(
          {
            delivered: [
              [0, 4000],
              [8000, 12_000],
            ],
          },
          0,
        ),
      ),
    ).toBe(12_000);
    expect(filmLength(proof({}, 0))).toBe(1);
  });
});

describe("places in the log", () => {
  const stretch = { edge: "origin", from_generation: 3, from_byte: 20_480, to_generation: 3, to_byte: 40_960 };
  it("are named by file and byte", () => {
    expect(place(stretch)).toBe("origin 3, bytes 20480 to 40960");
    expect(place({ ...stretch, to_generation: 4, to_byte: 7 })).toBe("origin 3, byte 20480 to origin 4, byte 7");
  });
});
