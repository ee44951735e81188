import { describe, expect, it } from "vitest";
import {
  exponent,
  formatExact,
  formatMicros,
  formatMinor,
  formatPrice,
  parseAmount,
  plainAmount,
  presets,
} from "../src/money.ts";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("money", () => {
  it("knows how many places a currency has", () => {
    expect([exponent("USD"), exponent("JPY"), exponent("KWD")]).toEqual([2, 0, 3]);
    // Browsers leave hundredths out that the ledger counts.
    expect([exponent("AFN"), exponent("LBP"), exponent("IQD"), exponent("ISK")]).toEqual([2, 2, 3, 0]);
    expect(plain(formatMinor(1234, "AFN", "en"))).toBe("AFN 12.34");
  });

  it("shows minor units with the currency's own places", () => {
    expect(formatMinor(123456, "USD", "en")).toBe("$1,234.56");
    expect(formatMinor(500, "JPY", "en")).toBe("¥500");
    expect(plain(formatMinor(1500, "KWD", "en"))).toBe("KWD 1.500");
    expect(plain(formatMinor(-7, "EUR", "de"))).toBe("-0,07 €");
  });

  it("floors micro-units to minor units, so that no balance looks larger than it is", () => {
    expect(formatMicros(19_999, "USD", "en")).toBe("$0.01");
    expect(formatMicros(1_999_999, "JPY", "en")).toBe("¥1");
    expect(formatMicros(2_000_000, "JPY", "en")).toBe("¥2");
  });

  it("shows a running cost below the minor unit", () => {
    expect(formatExact(83_300, "USD", "en")).toBe("$0.0833");
    expect(formatExact(50_000, "USD", "en")).toBe("$0.05");
  });

  it("calls a price of nothing free", () => {
    expect(formatPrice(0, "USD", "en")).toBe("Free");
    expect(formatPrice(5, "USD", "en")).toBe("$0.05 per minute");
  });

  it.each([
    ["5", "USD", 500],
    ["0.05", "USD", 5],
    [" 1,5 ", "EUR", 150],
    ["500", "JPY", 500],
    ["1.234", "KWD", 1234],
  ])("reads %s %s as %i minor units", (text, currency, minor) => {
    expect(parseAmount(text, currency)).toBe(minor);
  });

  it.each([
    ["", "USD"],
    ["-1", "USD"],
    ["1.005", "USD"],
    ["1.5", "JPY"],
    ["1e3", "USD"],
    ["1,000.00", "USD"],
    ["ten", "USD"],
    ["99999999999", "USD"],
  ])("refuses %j in %s", (text, currency) => {
    expect(parseAmount(text, currency)).toBeNull();
  });

  it("gives back the text it would read", () => {
    expect(parseAmount(plainAmount(1234, "USD"), "USD")).toBe(1234);
    expect(plainAmount(5, "JPY")).toBe("5");
  });

  it("offers amounts that fit the currency", () => {
    expect(presets("USD")).toEqual([500, 1000, 2000, 5000]);
    expect(presets("JPY")).toEqual([500, 1000, 2000, 5000]);
    expect(presets("KWD")[0]).toBe(5000);
  });
});
