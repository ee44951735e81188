/** Sign in or register, then go back to where `next` says (this site only). */
import "../components/header.ts";
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { account } from "../account.ts";
import * as api from "../api.ts";
import { LightElement } from "../components/light.ts";
import { notice } from "../components/notice.ts";
import { Problem } from "../problem.ts";
import { destination } from "./destination.ts";

interface Field {
  name: string;
  label: string;
  type: string;
  autocomplete: AutoFill;
  hint?: string;
}

const EMAIL: Field = { name: "email", label: "Email", type: "email", autocomplete: "username" };
const SIGN_IN: Field[] = [
  EMAIL,
  { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
];
const CODE: Field = {
  name: "totp",
  label: "Code from your authenticator app",
  type: "text",
  autocomplete: "one-time-code",
};
const REGISTER: Field[] = [
  { name: "first_name", label: "First name", type: "text", autocomplete: "given-name" },
  { name: "last_name", label: "Last name", type: "text", autocomplete: "family-name" },
  EMAIL,
  {
    name: "password",
    label: "Password",
    type: "password",
    autocomplete: "new-password",
    hint: "At least 10 characters.",
  },
];

@customElement("signin-page")
export class SigninPage extends LightElement {
  @state() private registering = new URLSearchParams(location.search).has("register");
  @state() private needsCode = false;
  @state() private busy = false;
  @state() private problem: Problem | null = null;
  @state() private missing: string[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    void account.load().then((user) => user && this.leave());
  }

  override render(): TemplateResult {
    const title = this.registering ? "Create an account" : "Sign in";
    return html`<div class="narrow stack" style="max-width: 26rem">
      <h1>${title}</h1>
      <form class="panel stack" novalidate @submit=${this.submit} data-test="signin-form">
        ${this.message()} ${this.fields().map((field) => this.field(field))}
        <button class="button button-main" data-test="signin-submit" ?disabled=${this.busy}>
          ${this.busy ? "One moment…" : title}
        </button>
      </form>
      <p>
        ${this.registering ? "Already have an account?" : "New here?"}
        <button class="button button-link" type="button" data-test="signin-switch" @click=${this.switch}>
          ${this.registering ? "Sign in" : "Create an account"}
        </button>
      </p>
    </div>`;
  }

  private fields(): Field[] {
    if (this.registering) return REGISTER;
    return this.needsCode ? [...SIGN_IN, CODE] : SIGN_IN;
  }

  private field({ name, label, type, autocomplete, hint }: Field): TemplateResult {
    const error = this.fieldError(name, label);
    const hinted = error || hint;
    return html`<div class="field">
      <label for=${name}>${label}</label>
      <input id=${name} name=${name} type=${type} autocomplete=${autocomplete} required data-test=${name}
        aria-invalid=${error ? "true" : nothing} aria-describedby=${hinted ? `${name}-note` : nothing} />
      ${hinted ? html`<span id="${name}-note" class=${error ? "field-error" : "hint"} data-test="${name}-note">${hinted}</span>` : nothing}
    </div>`;
  }

  private fieldError(name: string, label: string): string | undefined {
    if (this.missing.includes(name)) return `${label} is missing.`;
    if (name === "email" && this.problem?.code === "email_taken") return this.problem.message;
    return this.problem?.field(name);
  }

  /** What concerns no single field. Asking for the code is a step, not an error. */
  private message(): TemplateResult | typeof nothing {
    if (!this.problem || this.problem.code === "email_taken") return nothing;
    if (this.fields().some(({ name }) => this.problem?.field(name))) return nothing;
    const kind = this.problem.code === "totp_required" ? "info" : "bad";
    return notice(kind, this.problem.message, "signin-message");
  }

  private readonly submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const values = Object.fromEntries(this.fields().map(({ name }) => [name, String(form.get(name) ?? "")]));
    this.problem = null;
    this.missing = this.fields().flatMap(({ name }) => (values[name]?.trim() ? [] : [name]));
    if (this.missing.length > 0) return this.focusFirstError();
    this.busy = true;
    try {
      await (this.registering ? api.register(values) : api.login(values));
      this.leave();
    } catch (error) {
      this.problem = Problem.of(error);
      if (this.problem.code === "totp_required") this.needsCode = true;
      this.busy = false;
      this.focusFirstError();
    }
  };

  private async focusFirstError(): Promise<void> {
    await this.updateComplete;
    const wrong = this.querySelector<HTMLElement>('[aria-invalid="true"]');
    (wrong ?? this.querySelector<HTMLElement>('[name="totp"]'))?.focus();
  }

  private readonly switch = (): void => {
    this.registering = !this.registering;
    this.problem = null;
    this.missing = [];
  };

  private leave(): void {
    location.replace(destination(new URLSearchParams(location.search).get("next"), location.origin));
  }
}
