/** The signed-in user and the wallet, shared by all components of a page; they render again when either changes. */
import type { ReactiveController, ReactiveControllerHost } from "lit";
import * as api from "./api.ts";
import type { User, Wallet } from "./model.ts";
import { currentCurrency, rememberCurrency } from "./money.ts";
import { Problem } from "./problem.ts";

class Account extends EventTarget {
  /** False until it is known who is signed in. */
  known = false;
  user: User | null = null;
  wallet: Wallet | null = null;
  #loading: Promise<User | null> | null = null;

  get currency(): string {
    return this.wallet?.currency ?? currentCurrency();
  }

  /** Ask once per page who this is; the wallet follows. */
  load(): Promise<User | null> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async refreshWallet(): Promise<void> {
    try {
      this.wallet = await api.wallet();
      rememberCurrency(this.wallet.currency);
    } catch (error) {
      // A header without a balance is no reason to disturb; the wallet page shows its own errors.
      if (Problem.of(error).status === 401) this.wallet = null;
    }
    this.#changed();
  }

  /** A balance learnt on the way, from a heartbeat or a deposit. */
  setBalance(balance: number): void {
    if (!this.wallet || this.wallet.balance === balance) return;
    this.wallet = { ...this.wallet, balance };
    this.#changed();
  }

  async signOut(): Promise<void> {
    await api.logout();
    this.user = null;
    this.wallet = null;
    this.#changed();
  }

  async #load(): Promise<User | null> {
    try {
      this.user = await api.whoami();
    } catch {
      this.user = null;
    }
    this.known = true;
    this.#changed();
    if (this.user) await this.refreshWallet();
    return this.user;
  }

  #changed(): void {
    this.dispatchEvent(new Event("change"));
  }
}

export const account = new Account();

/** Makes a component follow the account. */
export class FollowsAccount implements ReactiveController {
  readonly #changed: () => void;

  constructor(host: ReactiveControllerHost) {
    this.#changed = () => host.requestUpdate();
    host.addController(this);
  }

  hostConnected(): void {
    account.addEventListener("change", this.#changed);
    void account.load();
  }

  hostDisconnected(): void {
    account.removeEventListener("change", this.#changed);
  }
}

/** Where to sign in and come back to this page. */
export function signInHref(): string {
  return `/signin?next=${encodeURIComponent(location.pathname + location.search)}`;
}
