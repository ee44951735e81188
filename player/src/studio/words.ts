/** A report as sentences. Its fields come from several programs, so whatever is missing is left out. */
import type { Conformance, Finding, Report } from "../model.ts";
import { formatBytes } from "../size.ts";
import { formatDuration } from "../time.ts";
import { languageName } from "./language.ts";

type Fields = Record<string, unknown>;

const fields = (value: unknown): Fields => (value !== null && typeof value === "object" ? (value as Fields) : {});
const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

export function checked(conformance: Conformance | null): string {
  const rules = conformance?.rules?.length ?? 0;
  if (rules === 0) return "This video was published before reports were kept.";
  const broken = new Set((conformance?.findings ?? []).map(({ rule }) => rule)).size;
  if (broken > 0) return `${rules - broken} of ${rules} rules for streams passed; ${broken} did not.`;
  return `All ${rules} rules for streams passed: it plays on every device that keeps to the standard.`;
}

/** Broken rules, then advice that was left aside. */
export const findings = (conformance: Conformance | null): string[] => (conformance?.findings ?? []).map(line);
export const advice = (conformance: Conformance | null): string[] => (conformance?.notes ?? []).map(line);

const line = ({ rule, finding }: Finding): string => `${rule}: ${finding}`;

/** What the probe found in the file. */
export function sources(source: Report["source"]): string[] {
  if (!source) return [];
  const picture = fields(source.picture);
  const sounds = Array.isArray(source.sounds) ? source.sounds.map(fields) : [];
  return [pictureLine(picture, source.rate), lengthLine(source), ...sounds.map(soundLine)].filter(Boolean);
}

function pictureLine(picture: Fields, rate: unknown): string {
  const size = picture.width && picture.height ? `${text(picture.width)} × ${text(picture.height)}` : "";
  const shown = ratio(rate);
  const more = [picture.interlaced ? "interlaced" : "", picture.hdr ? `HDR (${text(picture.hdr).toUpperCase()})` : ""];
  return sentence("Picture", [text(picture.codec), size, shown ? `${round(shown)} pictures per second` : "", ...more]);
}

function lengthLine(source: Fields): string {
  const seconds = ratio(source.seconds);
  return seconds ? `Length: ${formatDuration(seconds * 1000)}` : "";
}

function soundLine(sound: Fields): string {
  const language = text(sound.language);
  const known = language && language !== "und" ? languageName(language) : "";
  const channels = sound.channels ? `${text(sound.channels)} channel${sound.channels === 1 ? "" : "s"}` : "";
  return sentence("Sound", [text(sound.codec), channels, known, text(sound.title)]);
}

/** CPU time, bytes on disk, and the price of a second of film. */
export function costs(cost: Report["cost"]): string[] {
  if (!cost) return [];
  const { cpu_s, media_s, bytes, cpu_s_per_media_s: each } = cost;
  const perSecond = each === undefined || each === null ? "" : ` (${round(each)} s for each second of film)`;
  return [
    cpu_s ? `Computing time: ${round(cpu_s)} s${perSecond}` : "",
    media_s ? `Film prepared: ${formatDuration(media_s * 1000)}` : "",
    bytes ? `Space on disk: ${formatBytes(bytes)}` : "",
  ].filter(Boolean);
}

function sentence(name: string, parts: string[]): string {
  const said = parts.filter(Boolean).join(", ");
  return said ? `${name}: ${said}` : "";
}

/** "24000/1001" or a number. */
function ratio(value: unknown): number {
  const [over, under = "1"] = text(value).split("/");
  const found = Number(over || Number.NaN) / Number(under);
  return Number.isFinite(found) ? found : 0;
}

const round = (value: number): string => String(Number(value.toPrecision(3)));
