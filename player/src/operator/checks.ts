/** The nightly reconciliation: how far the books agree with the delivery logs, and what is open. */
import { html, nothing, type TemplateResult } from "lit";
import type { Reconciled } from "../accounts.ts";
import { notice } from "../components/notice.ts";
import { formatUtc } from "../time.ts";
import { table } from "./table.ts";

export function checks(found: Reconciled): TemplateResult {
  return html`<section class="panel stack" aria-labelledby="checks" data-test="checks">
    <h2 id="checks">Reconciliation</h2>
    ${standing(found)}
    ${
      found.days.length
        ? table(
            "Checks",
            ["Day", "Through", "Lines", "Watches", "Charges", "Differences"],
            found.days.map((one) => [
              one.day ?? "all, by hand",
              one.through ? formatUtc(one.through) : "",
              ...[one.lines, one.watches, one.charges, one.differences].map((n) => n.toLocaleString()),
            ]),
            "days",
          )
        : nothing
    }
    ${
      found.open_incidents.length
        ? html`<h3>Open incidents</h3>
          ${table(
            "Incidents",
            ["What", "Found", "In the books", "By the logs"],
            found.open_incidents.map((one) => [
              `${one.kind} ${one.subject}`,
              formatUtc(one.created_at),
              JSON.stringify(one.recorded).slice(0, 300),
              JSON.stringify(one.derived).slice(0, 300),
            ]),
            "incidents",
          )}`
        : nothing
    }
  </section>`;
}

function standing({ reconciled_through, differences }: Reconciled): TemplateResult {
  if (differences) return notice("bad", `The newest check found ${differences} differences.`, "differences");
  if (!reconciled_through) return notice("info", "No nightly check was done yet.", "unreconciled");
  return notice(
    "good",
    `Every charge agrees with the delivery logs through ${formatUtc(reconciled_through)}.`,
    "agrees",
  );
}
