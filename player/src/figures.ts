/** The shapes of the analytics answers. Times RFC 3339 UTC; shares and rates in percent; null means unknown. */

/** What an answer about a period says of itself, with a sentence for each figure it shows. */
export interface Frame {
  from: string;
  to: string;
  tz: string;
  as_of: string;
  read_through: string | null;
  provisional: boolean;
  currency: string;
  definitions: Record<string, string>;
}

export interface Figures {
  views: number;
  unique_viewers: number;
  starts: number;
  watch_time_ms: number;
  average_view_duration_ms: number;
  completions: number;
  completion_rate: number;
  charges: number;
  gross_micros: number;
  refunds_micros: number;
  revenue_micros: number;
}

export interface Totals extends Figures {
  peak_viewers: number;
  average_viewers: number;
}

export interface Bucket extends Totals {
  start: string;
  end: string;
  provisional: boolean;
}

export type FigureName = Exclude<keyof Totals, "completions" | "charges">;

/** How playback went, as told by players and the log. */
export interface Quality {
  playbacks: number;
  startup_ms_p50: number | null;
  startup_ms_p95: number | null;
  start_failures: number;
  start_failure_rate: number | null;
  stalls: number;
  rebuffer_ratio: number | null;
  errors: number;
  errors_per_hour: number | null;
  bitrate_kbps: number | null;
  throughput_kbps: number | null;
}

/** One row of a breakdown; `viewers` is null where too few were folded together to be told. */
export interface Share {
  name: string;
  share: number;
  starts?: number;
  viewers?: number | null;
  watch_time_ms?: number;
}

export interface Ranked extends Figures {
  video_id: number;
  title: string;
  uploaded_by: number;
}

/** The platform, or all films of one creator, over a period. */
export interface Numbers extends Frame {
  interval: string;
  totals: Totals;
  previous: Totals & { from: string; to: string };
  series: Bucket[];
  live_viewers: number;
  quality: Quality;
  previous_quality?: Quality;
  devices: Share[];
  browsers: Share[];
  systems: Share[];
  countries: Share[];
  renditions: Share[];
}

/** One film; hundredths of it in `retention`. */
export interface FilmNumbers extends Numbers {
  video_id: number;
  title: string;
  duration_ms: number;
  retention: number[];
  retention_average: number[];
}

export interface Ranking extends Frame {
  by: By;
  items: Ranked[];
}

export type By = "views" | "watch_time" | "revenue" | "viewers";

/** This moment. */
export interface Live {
  as_of: string;
  live_viewers: number;
  watch_minutes_per_minute: number;
  revenue_per_minute_micros: number;
  currency: string;
}

export interface Watched {
  session_id: string;
  video_id: number;
  title: string;
  watch_time_ms: number;
  revenue_micros: number;
  created_at: string;
}

export interface History extends Frame {
  items: Watched[];
  next_cursor: string | null;
}
