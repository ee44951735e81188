/** Every call of the pages to the API, one function each. Failures are thrown as Problem. */
import type * as a from "./accounts.ts";
import { listen, type ServerEvent } from "./events.ts";
import type * as f from "./figures.ts";
import type * as m from "./model.ts";
import { Problem } from "./problem.ts";
import { Session } from "./session.ts";

export const session = new Session();

interface Options {
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  file?: Blob;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const init: RequestInit = { method, headers: { accept: "application/json", ...options.headers } };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    init.body = JSON.stringify(options.body);
    init.headers = { ...init.headers, "content-type": "application/json" };
  }
  if (options.file) {
    init.body = options.file;
    init.headers = { ...init.headers, "content-type": options.file.type || "application/octet-stream" };
  }
  let response: Response;
  try {
    response = await session.fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw Problem.of(error);
  }
  const text = await response.text().catch(() => "");
  if (!response.ok) throw Problem.parse(response.status, text);
  return (text ? JSON.parse(text) : undefined) as T;
}

function query(fields: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

const json = { "content-type": "application/json" };

// auth

export async function register(fields: Record<string, string>): Promise<void> {
  session.accept(await call<m.SignedIn>("POST", "/api/auth/register", { body: fields }));
}

export async function login(fields: Record<string, string>): Promise<void> {
  session.accept(await call<m.SignedIn>("POST", "/api/auth/login", { body: fields }));
}

export async function logout(): Promise<void> {
  await call<void>("POST", "/api/auth/logout", { body: {} });
  session.forget();
}

/** The signed-in user, or null for a visitor. */
export async function whoami(): Promise<m.User | null> {
  if (!(await session.token())) return null;
  session.user ??= await call<m.User>("GET", "/api/auth/profile");
  return session.user;
}

// videos

export interface Search {
  query?: string;
  category?: string;
  sort?: string;
  page?: number;
  per_page?: number;
  uploaded_by?: number;
}

export const videos = (search: Search, signal?: AbortSignal) =>
  call<m.Page<m.Video>>("GET", `/api/videos${query({ ...search })}`, signal ? { signal } : {});
export const video = (id: string | number) => call<m.Video>("GET", `/api/videos/${encodeURIComponent(id)}`);
export const changeVideo = (id: number, fields: Partial<m.VideoFields & { preview_ms: number }>) =>
  call<m.Video>("PUT", `/api/videos/${id}`, { body: fields });

export async function categories(): Promise<string[]> {
  const { items } = await call<{ items: (string | { name: string })[] }>("GET", "/api/categories");
  return items.map((item) => (typeof item === "string" ? item : item.name)).filter(Boolean);
}

export const jobs = (state: string, page: number) => call<m.Page<m.Job>>("GET", `/api/jobs${query({ state, page })}`);
export const jobEvents = (state: string, page: number) => `/api/jobs/events${query({ state, page })}`;
export const changeJob = (id: number, what: m.JobAction) => call<m.Job>("POST", `/api/jobs/${id}/${what}`);
export const setPriority = (id: number, priority: number) =>
  call<m.Job>("PUT", `/api/jobs/${id}`, { body: { priority } });
export const workers = () => call<{ items: m.Worker[] }>("GET", "/api/workers");

/** The job of one's own video; 404 until its source is whole. */
export const jobOf = (videoId: number) => call<m.Job>("GET", `/api/videos/${videoId}/job`);

/** `sdh`: sounds are described too. The answer counts what was understood. */
export const setCaptions = (id: number, language: string, sdh: boolean, file: Blob) =>
  call<m.Understood>(
    "PUT",
    `/api/videos/${id}/captions/${encodeURIComponent(language)}${query({ sdh: String(sdh) })}`,
    {
      file,
    },
  );
export const dropCaptions = (id: number, language: string) =>
  call<unknown>("DELETE", `/api/videos/${id}/captions/${encodeURIComponent(language)}`);
export const setPoster = (id: number, file: Blob) => call<m.Video>("PUT", `/api/videos/${id}/poster`, { file });
export const setPosterAt = (id: number, at_ms: number) =>
  call<m.Video>("PUT", `/api/videos/${id}/poster`, { body: { at_ms } });
export const report = (id: number) => call<m.Report>("GET", `/api/videos/${id}/report`);

/** Server-sent events of a path; see events.ts. */
export const events = (path: string, onEvent: (event: ServerEvent) => void, signal: AbortSignal) =>
  listen((to, init) => session.fetch(to, init), path, onEvent, signal);

// streaming

export const startSession = (videoId: number) => call<m.Started>("POST", `/api/stream/start/${videoId}`, { body: {} });
export const streamUrl = (id: string) => call<{ url: string }>("GET", `/api/stream/url/${id}`);
export const heartbeat = (id: string, beat: m.Beat) =>
  call<m.Meter>("PUT", `/api/stream/heartbeat/${id}`, { body: beat });
export const endSession = (id: string, position_ms?: number) =>
  call<m.Receipt>("POST", `/api/stream/end/${id}`, { body: position_ms === undefined ? {} : { position_ms } });
export const liveSessions = () => call<{ items: m.LiveSession[] }>("GET", "/api/stream/sessions?active=true");

/** End a session while the page goes away: no waiting, no answer. */
export function endSessionNow(id: string, position_ms: number): void {
  const headers = { ...json, authorization: `Bearer ${session.tokenNow}` };
  const init = { method: "POST", headers, body: JSON.stringify({ position_ms }), keepalive: true };
  fetch(`/api/stream/end/${id}`, init).catch(() => undefined); // the sweeper ends what this could not
}

/** Where this user left a video, in ms; 0 when never watched. */
export async function resumePosition(videoId: number): Promise<number> {
  const { items } = await call<{ items: { video_id: number; position_ms: number }[] }>("GET", "/api/stream/resume");
  return items.find((item) => item.video_id === videoId)?.position_ms ?? 0;
}

// billing

export const wallet = () => call<m.Wallet>("GET", "/api/billing/balance");
export const deposit = (amount: number, key: string) =>
  call<m.Deposited>("POST", "/api/billing/deposit", { body: { amount }, headers: { "idempotency-key": key } });
export const payment = (id: string) => call<a.Payment>("GET", `/api/billing/payments/${encodeURIComponent(id)}`);

/** `from` and `to` as RFC 3339. */
export interface Wanted {
  type?: string;
  from?: string;
  to?: string;
}

export const transactions = (cursor: string | null, wanted: Wanted = {}) =>
  call<{ items: m.Transaction[]; next_cursor: string | null }>(
    "GET",
    `/api/billing/transactions${query({ ...wanted, cursor })}`,
  );
export const transactionsCsv = (wanted: Wanted) =>
  download(`/api/billing/transactions${query({ ...wanted, format: "csv" })}`, "transactions.csv");
export const statement = (month: string) =>
  call<a.Statement>("GET", `/api/billing/statements/${encodeURIComponent(month)}`);
export const statementCsv = (month: string) =>
  download(`/api/billing/statements/${encodeURIComponent(month)}?format=csv`, `statement-${month}.csv`);
export const proof = (id: string) => call<a.Proof>("GET", `/api/billing/sessions/${encodeURIComponent(id)}/proof`);
export const earnings = () => call<a.Earnings>("GET", "/api/billing/earnings");
export const payouts = () => call<{ items: a.Payout[] }>("GET", "/api/billing/payouts");
export const requestPayout = (key: string) =>
  call<a.Payout>("POST", "/api/billing/payouts", { body: {}, headers: { "idempotency-key": key } });

export const troubles = () => call<a.Troubles>("GET", "/api/billing/troubles");
export const reconciliation = () => call<a.Reconciled>("GET", "/api/billing/reconciliation");
export const payoutsDue = () => call<{ items: a.Payout[] }>("GET", "/api/billing/payouts?all=true&state=requested");
export const concludePayout = (id: number, state: "paid" | "returned", reference: string, key: string) =>
  call<a.Payout>("POST", `/api/billing/payouts/${id}`, {
    body: { state, ...(reference ? { reference } : {}) },
    headers: { "idempotency-key": key },
  });

export const limits = () => call<a.Limits>("GET", "/api/billing/limits");
export const setDailyLimit = (daily_limit: number | null) =>
  call<a.Limits>("PUT", "/api/billing/limits", { body: { daily_limit } });

// analytics

/** Days of a time zone, both included. */
export interface Days {
  from: string;
  to: string;
  tz: string;
}

export const numbers = (scope: "dashboard" | "studio", days: Days) =>
  call<f.Numbers>("GET", `/api/analytics/${scope}${query({ ...days })}`);
export const filmNumbers = (id: number, days: Days) =>
  call<f.FilmNumbers>("GET", `/api/analytics/videos/${id}${query({ ...days })}`);
export const topVideos = (by: f.By, days: Days) =>
  call<f.Ranking>("GET", `/api/analytics/top-videos${query({ by, ...days })}`);
export const watched = (cursor: string | null) => call<f.History>("GET", `/api/analytics/user${query({ cursor })}`);
export const historyCsv = () => download("/api/analytics/user?format=csv", "history.csv");

/** Of the platform, of one's own films, or of one film. */
export const numbersCsv = (what: "dashboard" | "studio" | number, days: Days) =>
  download(
    `/api/analytics/${typeof what === "number" ? `videos/${what}` : what}${query({ ...days, format: "csv" })}`,
    `${typeof what === "number" ? `video-${what}` : what}-${days.from}-${days.to}.csv`,
  );

/** Save an answer as a file: a plain link could not show the token. */
async function download(path: string, name: string): Promise<void> {
  const response = await session.fetch(path).catch((error: unknown) => Promise.reject(Problem.of(error)));
  if (!response.ok) throw Problem.parse(response.status, await response.text());
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
