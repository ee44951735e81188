/** What an operator typed as a priority: a whole number from -100 to 100, else null. */
export const LEAST = -100;
export const MOST = 100;

export function parsePriority(text: string): number | null {
  if (!/^[-+−]?\d{1,3}$/.test(text.trim())) return null;
  const value = Number(text.trim().replace("−", "-"));
  return value >= LEAST && value <= MOST ? value : null;
}
