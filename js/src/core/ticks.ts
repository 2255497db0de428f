/** Tick positions and the words for numbers. */

import { format } from "d3-format";
import { ticks as d3ticks } from "d3-array";

export interface Tick {
  value: number;
  label: string;
}

/** Round tick values inside [low, high]; an empty or reversed range is widened, never an error. */
export function linearTicks(low: number, high: number, count = 5): Tick[] {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [];
  if (high < low) [low, high] = [high, low];
  if (high === low) [low, high] = [low - 0.5, high + 0.5];
  const values = d3ticks(low, high, count);
  const step = values.length > 1 ? values[1] - values[0] : 1;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const size = Math.max(Math.abs(low), Math.abs(high));
  const spell = size >= 1e5 || digits > 4 ? format("~e") : format(`.${digits}f`);
  return values.map((value) => ({ value, label: spell(value === 0 ? 0 : value) }));
}

/** Ticks of an axis that counts: whole numbers only. */
export const wholeTicks = (low: number, high: number, count = 5): Tick[] =>
  linearTicks(low, high, Math.max(1, Math.min(count, Math.ceil(high - low))))
    .filter((t) => Number.isInteger(t.value))
    .map(({ value }) => ({ value, label: Math.abs(value) >= 1e5 ? format("~e")(value) : String(value) }));

/** Whole decades of a range given in log10, thinned to at most `count`. */
export function decadeTicks(lowExponent: number, highExponent: number, count = 8): Tick[] {
  const first = Math.ceil(lowExponent - 1e-9);
  const last = Math.floor(highExponent + 1e-9);
  const step = Math.max(1, Math.ceil((last - first + 1) / count));
  const out: Tick[] = [];
  for (let e = Math.ceil(first / step) * step; e <= last; e += step) out.push({ value: e, label: power(e) });
  return out;
}

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export function power(exponent: number): string {
  if (exponent === 0) return "1";
  if (exponent === 1) return "10";
  const digits = [...String(Math.abs(exponent))].map((d) => SUPERSCRIPT[Number(d)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

const fixed3 = format(".3~f");
const scientific = format(".1~e");

/** A short number for a person: 0.125, 12.3, 3e-31. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "n/a" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? scientific(value) : fixed3(value);
}

export function complex(re: number, im: number): string {
  if (Math.abs(im) < 1e-9) return short(re);
  return `${short(re)} ${im < 0 ? "−" : "+"} ${short(Math.abs(im))}i`;
}
