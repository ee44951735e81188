/**
 * Who is signed in on this page. The access token lives in this object only; the HttpOnly cookie renews it.
 * A spent cookie revokes its whole family, so at most one renewal runs at a time, across tabs too.
 */
import type { SignedIn, User } from "./model.ts";
import { Problem } from "./problem.ts";

const EARLY_MS = 30_000;
const ANONYMOUS_UNTIL = "streamify.anonymous_until";
const ANONYMOUS_MS = 60_000;

type Send = (path: string, init: RequestInit) => Promise<Response>;

/** The part of `localStorage` we need; it keeps visitors without a cookie from asking again on every page. */
type Memory = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export class Session extends EventTarget {
  user: User | null = null;
  #token: string | null = null;
  #expiresAt = 0;
  #renewing: Promise<boolean> | null = null;

  constructor(
    private readonly send: Send = (path, init) => fetch(path, init),
    private readonly memory: Memory = localStorage,
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  /** A token good for at least half a minute, or null for a visitor. Throws only when the server can't be asked. */
  async token(): Promise<string | null> {
    if (this.#token && this.now() < this.#expiresAt - EARLY_MS) return this.#token;
    if (!this.#token && this.now() < Number(this.memory.getItem(ANONYMOUS_UNTIL) ?? 0)) return null;
    return (await this.renew()) ? this.#token : null;
  }

  /** The token of right now, for requests that can't wait because the page is going away. */
  get tokenNow(): string | null {
    return this.#token;
  }

  /** Trade the cookie for a new token: false when there is no valid cookie. Callers at the same time share one call. */
  renew(): Promise<boolean> {
    this.#renewing ??= exclusively(() => this.#renew()).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  accept(answer: SignedIn): void {
    this.#token = answer.access_token;
    this.#expiresAt = this.now() + answer.expires_in * 1000;
    this.memory.removeItem(ANONYMOUS_UNTIL);
    if (answer.user) this.user = answer.user;
    this.dispatchEvent(new Event("change"));
  }

  forget(): void {
    this.#token = null;
    this.user = null;
    this.memory.setItem(ANONYMOUS_UNTIL, String(this.now() + ANONYMOUS_MS));
    this.dispatchEvent(new Event("change"));
  }

  /** A request with the token; a 401 renews once and asks again, since a token may end early. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const token = await this.token();
    const response = await this.send(path, withToken(init, token));
    if (response.status !== 401 || token === null) return response;
    if (this.#token === token && !(await this.renew())) return response;
    return this.send(path, withToken(init, this.#token));
  }

  async #renew(): Promise<boolean> {
    // keepalive: the answer's new cookie is stored even if this page is left meanwhile.
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: "{}", keepalive: true, credentials: "same-origin" as const };
    const response = await this.send("/api/auth/refresh", init);
    if (response.ok) {
      this.accept((await response.json()) as SignedIn);
      return true;
    }
    if (response.status === 429 || response.status >= 500) throw Problem.parse(response.status, await response.text());
    this.forget();
    return false;
  }
}

function withToken(init: RequestInit, token: string | null): RequestInit {
  if (!token) return init;
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${token}`);
  return { ...init, headers };
}

/** Web Locks exist only on https and localhost; elsewhere the server's own tolerance has to do. */
function exclusively<T>(work: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  return locks ? (locks.request("streamify.renew", work) as Promise<T>) : work();
}
