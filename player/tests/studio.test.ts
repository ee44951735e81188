import { describe, expect, it } from "vitest";
import { parsePriority } from "../src/queue/priority.ts";
import { guessLanguage, languageName, languageTag } from "../src/studio/language.ts";
import { advice, checked, costs, findings, sources } from "../src/studio/words.ts";

describe("a language", () => {
  it.each([
    ["German", "de"],
    [" deutsch ", "de"],
    ["de", "de"],
    ["PT-br", "pt-BR"],
    ["zh-hant-tw", "zh-Hant-TW"],
    ["eng", "en"],
    ["gsw", "gsw"],
    ["", null],
    ["my own", null],
    ["x", null],
    ["de_AT", null],
    ["../de", null],
  ])("%j is %s", (typed, tag) => {
    expect(languageTag(typed)).toBe(tag);
  });

  it.each([
    ["film.de.srt", "de"],
    ["Film 2 [1080p].pt-BR.vtt", "pt-BR"],
    ["film_eng.srt", "en"],
    ["film.srt", null],
    ["the.end.srt", null],
    ["a.b.txt", null],
  ])("of %s is %s", (filename, tag) => {
    expect(guessLanguage(filename)).toBe(tag);
  });

  it("has a name, or is its own", () => {
    expect([languageName("pt-BR"), languageName("no-such-thing-at-all")]).toEqual([
      "Brazilian Portuguese",
      "no-such-thing-at-all",
    ]);
  });
});

describe("a priority", () => {
  it.each([
    ["20", 20],
    ["-100", -100],
    ["−5", -5],
    ["+7", 7],
    ["101", null],
    ["-101", null],
    ["1.5", null],
    ["", null],
    ["high", null],
  ])("%j is %s", (typed, value) => {
    expect(parsePriority(typed)).toBe(value);
  });
});

describe("the report", () => {
  const broken = [
    { rule: "APL-7.4", finding: "360p: segment 3 does not start with a key picture" },
    { rule: "APL-7.4", finding: "360p: segment 4 does not start with a key picture" },
  ];

  it("says how many rules passed", () => {
    expect(checked({ rules: ["APL-7.3", "APL-7.4"], findings: [] })).toContain("All 2 rules");
    expect(checked({ rules: ["APL-7.3", "APL-7.4"], findings: broken })).toContain("1 of 2 rules");
    expect(checked(null)).toContain("before reports were kept");
  });

  it("names the rule of everything it found", () => {
    const noted = { rules: [], findings: broken.slice(1), notes: [{ rule: "APL-7.5", finding: "segments of 4 s" }] };
    expect(findings(noted)).toEqual(["APL-7.4: 360p: segment 4 does not start with a key picture"]);
    expect(advice(noted)).toEqual(["APL-7.5: segments of 4 s"]);
    expect([findings(null), advice({})]).toEqual([[], []]);
  });

  it("tells what the probe found", () => {
    const source = {
      container: "mov",
      seconds: "528/25",
      rate: "24000/1001",
      picture: { codec: "h264", width: 1280, height: 720, interlaced: false, hdr: "" },
      sounds: [{ codec: "aac", channels: 6, language: "de", title: "" }],
    };
    expect(sources(source)).toEqual([
      "Picture: h264, 1280 × 720, 24 pictures per second",
      "Length: 0:21",
      "Sound: aac, 6 channels, German",
    ]);
    expect(sources({ picture: null, sounds: "none", seconds: "1/0" })).toEqual([]);
    expect(sources(null)).toEqual([]);
  });

  it("tells what it cost", () => {
    expect(costs({ cpu_s: 12.345, media_s: 21.12, cpu_s_per_media_s: 0.5845, bytes: 4_300_000 })).toEqual([
      "Computing time: 12.3 s (0.585 s for each second of film)",
      "Film prepared: 0:21",
      "Space on disk: 4.3 MB",
    ]);
    expect(costs(null)).toEqual([]);
  });
});
