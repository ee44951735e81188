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
  intervals: Record<"delivered" | "preview" | "charged" | "free" | "forgiven", Interval[]> & { exact: boolean };
  arithmetic: {
    delivered_ms: number;
    preview_ms: number;
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
  /** Kept back while viewers owe what a bank took back. */
  reserved?: number;
  available: number;
  requested: number;
  paid: number;
  minimum: number;
  hold_days: number;
  currency: string;
}

export interface Payout {
  id: number;
  user_id: number;
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

export interface TroubledPayment {
  payment_id: string;
  kind: "mismatch" | "disputed" | "doubtful";
  provider: string;
  reference: string | null;
  user_id: number;
  amount: number;
  taken_back: number;
  currency: string;
  trouble: string | null;
  asked: number;
  ask_after: string | null;
  created_at: string;
}

/** What operators look at; `uncollected_micros` was delivered beyond all money. */
export interface Troubles {
  payments: TroubledPayment[];
  more: boolean;
  messages: { provider: string; code: string; times: number; last_at: string; last_heard_at: string | null }[];
  owing: { user_id: number; owed: number; currency: string }[];
  uncollected_micros: number;
  currency: string;
}

/** `differences` of the newest check must be 0. */
export interface Reconciled {
  reconciled_through: string | null;
  differences: number | null;
  days: {
    day: string | null;
    through: string | null;
    lines: number;
    watches: number;
    charges: number;
    differences: number;
  }[];
  open_incidents: { kind: string; subject: string; recorded: unknown; derived: unknown; created_at: string }[];
}
