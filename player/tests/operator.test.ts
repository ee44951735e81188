import { describe, expect, it } from "vitest";
import type { TroubledPayment } from "../src/accounts.ts";
import { reason } from "../src/operator/troubles.ts";

const payment: TroubledPayment = {
  payment_id: "pay_a",
  kind: "doubtful",
  provider: "stripe",
  reference: null,
  user_id: 7,
  amount: 500,
  taken_back: 0,
  currency: "USD",
  trouble: null,
  asked: 3,
  ask_after: null,
  created_at: "2026-07-01T12:00:00Z",
};

describe("a payment to look at", () => {
  it("says what a bank took back", () => {
    expect(reason({ ...payment, kind: "disputed", taken_back: 200 })).toBe("A bank took back $2.00 of $5.00.");
  });

  it("says that another amount was not credited", () => {
    const trouble = "ordered 5000000 USD, the provider has 1 EUR";
    expect(reason({ ...payment, kind: "mismatch", trouble })).toContain(`${trouble}. Nothing was credited`);
  });

  it("says whether an open one is asked about again", () => {
    expect(reason(payment)).toBe("Asked 3 times, not asked any more.");
    expect(reason({ ...payment, ask_after: "2026-07-01T18:00:00Z" })).toMatch(
      /^Asked 3 times, asked again Jul 1, 2026/,
    );
  });
});
