/** Frames with ticks for the small two-dimensional charts. */

import type { Painter } from "./painter";
import type { Theme } from "./theme";
import { type Tick, linearTicks } from "./ticks";

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x(value: number): number;
  y(value: number): number;
  invertX(px: number): number;
  invertY(py: number): number;
}

export interface FrameOptions {
  x: readonly [number, number];
  y: readonly [number, number];
  margins?: { left: number; right: number; top: number; bottom: number };
  /** One pixel means the same on both axes. */
  equal?: boolean;
}

export function makeFrame(width: number, height: number, o: FrameOptions): Frame {
  const m = o.margins ?? { left: 40, right: 10, top: 10, bottom: 30 };
  let [left, right, top, bottom] = [m.left, width - m.right, m.top, height - m.bottom];
  right = Math.max(left + 10, right);
  bottom = Math.max(top + 10, bottom);
  let [x0, x1] = o.x[1] > o.x[0] ? o.x : [o.x[0] - 0.5, o.x[0] + 0.5];
  let [y0, y1] = o.y[1] > o.y[0] ? o.y : [o.y[0] - 0.5, o.y[0] + 0.5];
  if (o.equal) {
    const perPixel = Math.max((x1 - x0) / (right - left), (y1 - y0) / (bottom - top));
    const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
    [x0, x1] = [cx - (perPixel * (right - left)) / 2, cx + (perPixel * (right - left)) / 2];
    [y0, y1] = [cy - (perPixel * (bottom - top)) / 2, cy + (perPixel * (bottom - top)) / 2];
  }
  const kx = (right - left) / (x1 - x0);
  const ky = (bottom - top) / (y1 - y0);
  return {
    left,
    right,
    top,
    bottom,
    x: (v) => left + (v - x0) * kx,
    y: (v) => bottom - (v - y0) * ky,
    invertX: (px) => x0 + (px - left) / kx,
    invertY: (py) => y0 + (bottom - py) / ky,
  };
}

export interface AxisLabels {
  x?: string;
  y?: string;
  xTicks?: Tick[];
  yTicks?: Tick[];
  grid?: boolean;
  /** How far left of the frame the name of the y axis stands. Default 40. */
  yApart?: number;
}

export function drawAxes(p: Painter, theme: Theme, f: Frame, labels: AxisLabels): void {
  const width = f.right - f.left;
  const height = f.bottom - f.top;
  const xs = labels.xTicks ?? linearTicks(f.invertX(f.left), f.invertX(f.right), Math.max(2, Math.round(width / 80)));
  const ys = labels.yTicks ?? linearTicks(f.invertY(f.bottom), f.invertY(f.top), Math.max(2, Math.round(height / 45)));
  for (const t of xs) {
    const x = Math.round(f.x(t.value)) + 0.5;
    if (x < f.left - 1 || x > f.right + 1) continue;
    if (labels.grid !== false) p.line([x, f.top, x, f.bottom], { color: theme.grid });
    p.text(x, f.bottom + 5, t.label, { color: theme.muted, size: 10, align: "center", baseline: "top" });
  }
  for (const t of ys) {
    const y = Math.round(f.y(t.value)) + 0.5;
    if (y < f.top - 1 || y > f.bottom + 1) continue;
    if (labels.grid !== false) p.line([f.left, y, f.right, y], { color: theme.grid });
    p.text(f.left - 5, y, t.label, { color: theme.muted, size: 10, align: "right" });
  }
  p.line([f.left, f.bottom + 0.5, f.right, f.bottom + 0.5], { color: theme.faint });
  if (labels.x) p.text((f.left + f.right) / 2, f.bottom + 18, labels.x, { color: theme.muted, size: 11, align: "center", baseline: "top" });
  if (labels.y) {
    p.text(f.left - (labels.yApart ?? 40), (f.top + f.bottom) / 2, labels.y, { color: theme.muted, size: 11, align: "center", rotate: -Math.PI / 2 });
  }
}
