/** The shapes of the HTTP contract that pages read. Money in minor units unless named `_micros`; media time in ms. */

export interface User {
  id: number;
  email: string;
  first_name: string;
  last_name: string;
  role: "user" | "operator";
}

export interface SignedIn {
  user?: User;
  access_token: string;
  expires_in: number;
}

export type Status = "uploading" | "queued" | "playable" | "ready" | "failed";
export type Visibility = "public" | "unlisted" | "private";

export interface Rendition {
  name: string;
  width: number;
  height: number;
  bandwidth: number;
  codecs: string;
  complete: boolean;
}

/** Text of a film in one language; without an address until it is published. */
export interface Captions {
  language: string;
  label: string;
  sdh: boolean;
  url: string | null;
}

/** What became of a file of captions: cues taken, and cues that could not be. */
export interface Understood {
  language: string;
  cues: number;
  dropped: number;
}

export interface Chapter {
  start_ms: number;
  end_ms: number;
  title: string;
}

export interface Video {
  id: number;
  title: string;
  description: string;
  category: string;
  duration_ms: number;
  price_per_minute: number;
  /** The film's beginning, free for everybody. */
  preview_ms?: number;
  currency?: string;
  filename: string;
  uploaded_by: number;
  uploader_name: string;
  status: Status;
  progress: number;
  visibility: Visibility;
  error: { code: string; message: string } | null;
  renditions: Rendition[];
  poster_url: string | null;
  storyboard_url: string | null;
  captions: Captions[];
  chapters: Chapter[];
  created_at: string;
}

export interface VideoFields {
  title: string;
  description: string;
  category: string;
  price_per_minute: number;
  visibility: Visibility;
}

export interface Page<T> {
  items: T[];
  page: number;
  per_page: number;
  total: number;
}

export interface Started {
  session_id: string;
  video_id: number;
  price_per_minute: number;
  balance: number;
  minutes_left: number | null;
  preview_ms?: number;
  resume_position_ms: number;
  heartbeat_interval_ms: number;
  url: string;
}

export interface Beat {
  position_ms: number;
  playing: boolean;
  rate: number;
  buffer_ms: number;
  rendition?: string;
  stalls: number;
  stall_ms: number;
  startup_ms?: number;
  dropped_frames: number;
}

/** What the meter says of a session: the answer to a heartbeat. */
export interface Meter {
  is_active: boolean;
  balance: number;
  charged: number;
  charged_micros?: number;
  delivered_ms: number;
  minutes_left: number | null;
  low_balance: boolean;
  final: boolean;
  /** What is left is bounded by the daily limit, not by the balance. */
  limited?: boolean;
}

export interface Receipt {
  session_id: string;
  watched_time: number;
  delivered_ms: number;
  forgiven_ms: number;
  charged: number;
}

export interface LiveSession {
  session_id: string;
  video_id: number;
  user_id: number;
}

export interface Wallet {
  balance: number;
  balance_micros: number;
  held: number;
  available: number;
  currency: string;
}

export interface Transaction {
  id: number | string;
  amount: number;
  amount_micros?: number;
  transaction_type: string;
  description: string;
  session_id?: string | null;
  video_id: number | null;
  created_at: string;
  balance_after: number | null;
  balance_after_micros?: number | null;
}

export interface Deposited {
  transaction?: Transaction;
  balance?: number;
  checkout_url?: string;
}

export type JobAction = "pause" | "resume" | "cancel" | "retry";
export type JobState = "queued" | "running" | "paused" | "done" | "failed" | "cancelled";

export interface Job {
  id: number;
  video: { id: number; title: string } | number;
  state: JobState;
  priority: number;
  progress: number;
  units: { total: number; done: number; running: number; failed: number };
  media_ms: number;
  speed: number | null;
  attempts: number;
  error: { code: string; message: string } | string | null;
  queued_at: string;
  started_at: string | null;
  finished_at: string | null;
  eta_ms: number | null;
  workers: string[];
}

/** A piece of a job while a worker has it. */
export interface Unit {
  id: number;
  kind: string;
  job_id: number;
  video_id: number;
  renditions: string[];
  first_segment: number;
  end_segment: number;
  done_segments: number;
  speed: number | null;
}

export interface Worker {
  name: string;
  queue: string;
  load: number;
  last_seen: string;
  units: Unit[];
}

/** What the gate before `ready` checked, what came in and what it took to prepare. Its fields may be missing. */
export interface Report {
  conformance: Conformance | null;
  source: Record<string, unknown> | null;
  cost: { cpu_s?: number; bytes?: number; media_s?: number; cpu_s_per_media_s?: number } | null;
}

/** `findings` break a rule, `notes` leave a piece of advice aside. */
export interface Conformance {
  rules?: string[];
  findings?: Finding[];
  advice?: string[];
  notes?: Finding[];
}

export interface Finding {
  rule: string;
  finding: string;
}
