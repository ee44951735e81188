/** The shapes of statements, proofs, payments and earnings. Money in minor units unless named `_micros`; times in ms. */

export interface Payment {
  payment_id: string;
  state: "created" | "pending" | "settled" | "failed" | "expired";
  amount: number;
  currency: string;
  taken_back: number;
  checkout_url: string | null;
}

export interface Item {
  id: number;
  created_at: string;
  description: string;
  session_id: string | null;
  amount_micros: number;
}

export interface Charge {
  session_id: string;
  video_id: number;
  created_at: string;
  price_per_minute: number;
  delivered_ms: number;
  free_ms: number;
  forgiven_ms: number;
  amount_micros: number;
}

export interface Part<T> {
  amount_micros: number;
  items: T[];
}

/** Opening + deposits + charges + refunds + adjustments = closing, exactly. */
export interface Statement {
  month: string;
  currency: string;
  complete: boolean;
  as_of: string;
  reconciled_through: string | null;
  opening_micros: number;
  deposits: Part<Item>;
  charges: Part<Charge>;
  refunds: Part<Item>;
  adjustments: Part<Item>;
  closing_micros: number;
  earnings: { share_micros: number; matured_micros: number; payouts_micros: number };
}

/** A part of the film, half open. */
export type Interval = [start_ms: number, end_ms: number];

export interface Stretch {
  edge: string;
  from_generation: number;
  from_byte: number;
  to_generation: number;
  to_byte: number;
}

export interface Journal {
  id: number;
  kind: string;
  cause: string;
  booked_at: string;
  amount_micros: number;
  stretches: Stretch[];
}

export interface LogFile {
  edge: string;
  generation: number;
  sha256: string | null;
  reason: "not_closed" | "not_here" | "damaged" | null;
}

export interface Watch {
  id: number;
  opened_at: string | null;
  seen_ms: number;
  claimed_ms: number;
  forgiven_ms: number;
  due_micros: number;
  charged_micros: number;
  uncollected_micros: number;
  balanced: boolean;
}

export interface Proof {
  session_id: string;
  video_id: number;
  state: string;
  started_at: string;
  film_ms: number;
  currency: string;
  price_per_minute: number;
  intervals: { delivered: Interval[]; charged: Interval[]; free: Interval[]; forgiven: Interval[]; exact: boolean };
  arithmetic: {
    delivered_ms: number;
    free_ms: number;
    forgiven_ms: number;
    payable_ms: number;
    due_micros: number;
    charged_micros: number;
    refunded_micros: number;
    paid_micros: number;
  };
  watches: Watch[];
  journals: Journal[];
  truncated: boolean;
  log: LogFile[];
  reconciled_through: string | null;
}

export interface Earnings {
  pending: number;
  available: number;
  requested: number;
  paid: number;
  minimum: number;
  hold_days: number;
  currency: string;
}

export interface Payout {
  id: number;
  amount: number;
  currency: string;
  state: "requested" | "paid" | "returned";
  reference: string | null;
  created_at: string;
}

/** `daily_limit` null: none. */
export interface Limits {
  daily_limit: number | null;
  spent_today: number;
  currency: string;
  resets_at: string;
}
