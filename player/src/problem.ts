/** Errors of the API as one class: a stable `code`, a sentence for people, and messages by field (RFC 9457). */

interface Body {
  code?: string;
  detail?: string;
  errors?: { field: string; message: string }[];
  [name: string]: unknown;
}

export class Problem extends Error {
  /** `status` 0 with code `offline`: no answer at all. `body` holds the fields that help, such as `balance`. */
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly body: Body = {},
  ) {
    super(detail);
  }

  /** The message for one form field, if the server refused that field. */
  field(name: string): string | undefined {
    return this.body.errors?.find((e) => e.field === name || e.field.startsWith(`${name}.`))?.message;
  }

  number(name: string): number | null {
    const value = this.body[name];
    return typeof value === "number" ? value : null;
  }

  static offline(): Problem {
    return new Problem(0, "offline", "The server can't be reached. Check your connection and try again.");
  }

  /** Any thrown value as a problem, so that a page can always show a sentence. */
  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof TypeError) return Problem.offline();
    return new Problem(0, "unknown", "Something went wrong on this page. Reload it and try again.");
  }

  /** The problem in an answer's text, which may be HTML or nothing when a proxy in between failed. */
  static parse(status: number, text: string): Problem {
    let body: Body = {};
    try {
      const parsed: unknown = JSON.parse(text);
      if (parsed !== null && typeof parsed === "object" && !Array.isArray(parsed)) body = parsed as Body;
    } catch {
      // Not JSON: the status alone has to do.
    }
    const detail = body.detail || `The server answered with an error (${status}). Try again in a moment.`;
    return new Problem(status, body.code ?? `http_${status}`, detail, body);
  }
}
