/** Arrows of the flow in the plane of two axes, and trajectories coloured by time. */

import type { Projector } from "../core/camera";
import { sequential } from "../core/colors";
import type { Painter } from "../core/painter";
import type { Theme } from "../core/theme";

/** Where arrows stand in the picture's coordinates, and how far one step leads. */
export interface Field {
  at: Float64Array; // x, y by turns
  by: Float64Array;
}

/** A grid over the picture's box. */
export function gridOver(center: readonly number[], half: readonly number[], columns: number, rows: number): Float64Array {
  const out = new Float64Array(2 * columns * rows);
  let k = 0;
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      out[k++] = center[0] + half[0] * ((2 * (c + 0.5)) / columns - 1);
      out[k++] = center[1] + half[1] * ((2 * (r + 0.5)) / rows - 1);
    }
  return out;
}

/** Arrows as long as the longest one fits between two of the grid; shorter ones by the root, so that slow places are seen. */
export function drawField(p: Painter, theme: Theme, proj: Projector, { at, by }: Field): void {
  const n = at.length / 2;
  let most = 0;
  for (let i = 0; i < n; i++) most = Math.max(most, Math.hypot(by[2 * i], by[2 * i + 1]));
  if (!(most > 0 && most < Infinity)) return;
  const room = 0.8 * Math.hypot(...subtract(proj.project(at[2], at[3], 0), proj.project(at[0], at[1], 0)));
  for (let i = 0; i < n; i++) {
    const [x, y] = proj.project(at[2 * i], at[2 * i + 1], 0);
    const [tx, ty] = proj.project(at[2 * i] + by[2 * i], at[2 * i + 1] + by[2 * i + 1], 0);
    const size = Math.hypot(tx - x, ty - y);
    if (!(size > 0)) continue;
    const length = room * Math.sqrt(Math.hypot(by[2 * i], by[2 * i + 1]) / most);
    const [ux, uy] = [(tx - x) / size, (ty - y) / size];
    const [hx, hy] = [x + ux * length, y + uy * length];
    const head = Math.min(4, 0.4 * length);
    const style = { color: theme.muted, width: 1, alpha: 0.7 };
    p.line([x, y, hx, hy], style);
    p.line([hx - head * (ux + 0.6 * uy), hy - head * (uy - 0.6 * ux), hx, hy, hx - head * (ux - 0.6 * uy), hy - head * (uy + 0.6 * ux)], style);
  }
}

const subtract = (a: readonly number[], b: readonly number[]): [number, number] => [a[0] - b[0], a[1] - b[1]];

const PARTS = 12;

/** One trajectory ([time] of x, y), dark at its start and light at its end. */
export function drawTimed(p: Painter, xy: Float64Array, alpha: number): void {
  const time = xy.length / 2;
  for (let k = 0; k < PARTS; k++) {
    const [from, to] = [Math.floor((k * (time - 1)) / PARTS), Math.floor(((k + 1) * (time - 1)) / PARTS)];
    if (to > from) p.line(xy.subarray(2 * from, 2 * to + 2), { color: sequential((k + 0.5) / PARTS), width: 1.2, alpha });
  }
}

/** What the colours of time mean. */
export function drawTimeScale(p: Painter, theme: Theme, y: number): void {
  const w = 56;
  const x = p.width - 36 - w;
  for (let i = 0; i < w; i++) p.rect(x + i, y - 3, 1.2, 6, { fill: sequential(i / (w - 1)) });
  p.text(x - 5, y, "start", { color: theme.muted, size: 10, align: "right" });
  p.text(p.width - 10, y, "end", { color: theme.muted, size: 10, align: "right" });
}
