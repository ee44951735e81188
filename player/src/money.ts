/** Money as people read it: integer minor units and micro-units (a millionth of the major unit) with their currency. */

const REMEMBERED = "streamify.currency";

// ISO 4217, as in api/billing/money.py. Browsers write some currencies as people do in shops, without their hundredths.
const WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
const THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND";

/** Decimal places of a currency's minor unit: 2 for USD, 0 for JPY, 3 for KWD. */
export function exponent(currency: string): number {
  if (WHOLE.includes(currency)) return 0;
  return THOUSANDTHS.includes(currency) ? 3 : 2;
}

export function formatMinor(minor: number, currency: string, locale?: string): string {
  return format(currency, {}, locale).format(minor / 10 ** exponent(currency));
}

/** Micro-units floored to the minor unit, as balances are shown (metering.md rule 3). */
export function formatMicros(micros: number, currency: string, locale?: string): string {
  const perMinor = 10 ** (6 - exponent(currency));
  return formatMinor(Math.floor(micros / perMinor), currency, locale);
}

/** Micro-units with two more places than usual, so that a running cost is seen to run. */
export function formatExact(micros: number, currency: string, locale?: string): string {
  const least = exponent(currency);
  const digits = { minimumFractionDigits: least, maximumFractionDigits: Math.min(least + 2, 6) };
  return format(currency, digits, locale).format(micros / 1e6);
}

/** The same with all four places, for columns of figures. */
export function formatColumn(micros: number, currency: string, locale?: string): string {
  const places = Math.min(exponent(currency) + 2, 6);
  return format(currency, { minimumFractionDigits: places, maximumFractionDigits: places }, locale).format(
    micros / 1e6,
  );
}

/** Micro-units to the last digit. */
export function formatFull(micros: number, currency: string, locale?: string): string {
  const digits = { minimumFractionDigits: exponent(currency), maximumFractionDigits: 6 };
  return format(currency, digits, locale).format(micros / 1e6);
}

export function formatPrice(perMinute: number, currency: string, locale?: string): string {
  return perMinute === 0 ? "Free" : `${formatMinor(perMinute, currency, locale)} per minute`;
}

/** What somebody typed ("0.05", "1,50") as minor units, or null when it is no amount this currency can express. */
export function parseAmount(text: string, currency: string): number | null {
  const match = /^(\d{1,9})(?:[.,](\d+))?$/.exec(text.trim());
  if (!match) return null;
  const places = exponent(currency);
  const fraction = match[2] ?? "";
  if (fraction.length > places) return null;
  return Number(match[1]) * 10 ** places + Number(fraction.padEnd(places, "0") || "0");
}

/** Minor units as text for an input field: no sign, no grouping. */
export function plainAmount(minor: number, currency: string): string {
  const places = exponent(currency);
  return (minor / 10 ** places).toFixed(places);
}

/** Amounts offered as buttons, in minor units. */
export function presets(currency: string): number[] {
  const places = exponent(currency);
  const majors = places === 0 ? [500, 1000, 2000, 5000] : [5, 10, 20, 50];
  return majors.map((major) => major * 10 ** places);
}

/** The platform has one currency, told by the wallet; visitors see the one this browser learnt last. */
export function currentCurrency(): string {
  return localStorage.getItem(REMEMBERED) ?? "USD";
}

export function rememberCurrency(currency: string): void {
  localStorage.setItem(REMEMBERED, currency);
}

function format(currency: string, options: Intl.NumberFormatOptions = {}, locale?: string): Intl.NumberFormat {
  const places = exponent(currency);
  const digits = { minimumFractionDigits: places, maximumFractionDigits: places };
  return new Intl.NumberFormat(locale, { style: "currency", currency, ...digits, ...options });
}
