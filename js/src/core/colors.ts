/** Colours that stay apart for colour-blind eyes (Okabe and Ito), and never without a shape. */

import { RDBU, VIRIDIS } from "virtual:colormaps";

export type Shape = "circle" | "diamond" | "square" | "ring" | "cross" | "frame" | "dot";

export interface PointClass {
  name: string;
  shape: Shape;
  light: string;
  dark: string;
}

/** In the order of the class codes that Python sends; the figures of the package look the same. */
export const CLASSES: readonly PointClass[] = [
  { name: "stable", shape: "circle", light: "#1565AE", dark: "#5AB4F0" },
  { name: "saddle", shape: "diamond", light: "#E58A00", dark: "#F2A72E" },
  { name: "unstable", shape: "cross", light: "#B3246F", dark: "#EE6BAA" },
  { name: "marginal", shape: "square", light: "#1F9E7A", dark: "#86E3BD" },
  { name: "slow", shape: "ring", light: "#3A3F47", dark: "#E6E8EC" },
  { name: "undetermined", shape: "frame", light: "#6A51A3", dark: "#B9A5E8" },
  { name: "on a continuum", shape: "dot", light: "#1F9E7A", dark: "#86E3BD" },
];

/** Lines, rings and sheets, by whether their points are fixed or slow; as in the figures too. */
export const MANIFOLD = { fixed: { light: "#1F9E7A", dark: "#86E3BD" }, slow: { light: "#3A3F47", dark: "#E6E8EC" } } as const;

/** Line colours that differ from one another in lightness too. */
export const SERIES_LIGHT = ["#1565AE", "#D9730D", "#1F9E7A", "#B3246F", "#8A6D00", "#56606B"];
export const SERIES_DARK = ["#5AB4F0", "#F2A72E", "#5CD1A8", "#EE6BAA", "#E8C33C", "#A3AAB5"];

function sample(table: string, t: number): string {
  const k = Math.round(t * (table.length / 6 - 1));
  return `#${table.slice(6 * k, 6 * k + 6)}`;
}

/** t in [0, 1]. */
export const sequential = (t: number): string => sample(VIRIDIS, clamp(t));

/** t in [-1, 1]; 0 is the neutral middle, positive is red. */
export const diverging = (t: number): string => sample(RDBU, clamp(0.5 - 0.5 * t));

/** The different values, in order: of whole numbers there are few. */
export const distinct = (values: ArrayLike<number>): number[] => [...new Set(Array.from(values))].filter(Number.isFinite).sort((a, b) => a - b);

/** A colour of its own for each whole number; from the scale where there are more than line colours. */
export function categorical(value: number, values: ArrayLike<number>, theme: { series: readonly string[] }): string {
  const levels = distinct(values);
  const k = levels.indexOf(value);
  if (k < 0) return theme.series[theme.series.length - 1];
  return levels.length <= theme.series.length ? theme.series[k] : sequential(k / (levels.length - 1));
}

export const clamp = (t: number): number => Math.max(0, Math.min(1, Number.isNaN(t) ? 0 : t));

/** Finite extent of values, or [0, 1]. */
export function extent(values: ArrayLike<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return low <= high ? [low, high] : [0, 1];
}
