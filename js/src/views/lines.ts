/** A few lines over a common axis: growth, linear against nonlinear, a trial, counts over epochs. */

import { drawAxes, makeFrame } from "../core/chart";
import { extent } from "../core/colors";
import { minMax } from "../core/decimate";
import type { Painter } from "../core/painter";
import { Stage } from "../core/stage";
import type { Theme } from "../core/theme";
import { type Tick, decadeTicks, linearTicks, wholeTicks } from "../core/ticks";

export interface Line {
  name: string;
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  color?: number; // index into the theme's series
  dash?: number[];
  width?: number;
  steps?: ArrayLike<number>; // counts: steps, with a gap before each point where this is 0
}

/** The corners of a count over time: flat to the next point, then up or down; NaN where nothing is known. */
export function staircase(x: ArrayLike<number>, y: ArrayLike<number>, joined: ArrayLike<number>): { x: Float64Array; y: Float64Array } {
  const xs: number[] = [];
  const ys: number[] = [];
  for (let i = 0; i < x.length; i++) {
    if (i && joined[i]) {
      xs.push(x[i]);
      ys.push(y[i - 1]);
    } else if (i) {
      xs.push(NaN);
      ys.push(NaN);
    }
    xs.push(x[i]);
    ys.push(y[i]);
  }
  return { x: Float64Array.from(xs), y: Float64Array.from(ys) };
}

export interface LinesScene {
  lines: Line[];
  x: string;
  y: string;
  log?: boolean;
  marks?: { x: number; label: string }[];
  cursor?: number;
  yTicks?: Tick[];
  yRange?: [number, number];
}

export class LinesView {
  readonly stage: Stage;
  private scene: LinesScene | null = null;

  constructor(testid: string, label: string, className = "fpf-stage-low") {
    this.stage = new Stage(testid, label, (p, t) => this.draw(p, t), className);
  }

  update(scene: LinesScene | null): void {
    this.scene = scene;
    this.stage.request();
  }

  private draw(p: Painter, theme: Theme): void {
    const scene = this.scene;
    if (!scene || !scene.lines.some((l) => l.x.length)) return;
    const spell = (v: number): number => (scene.log ? Math.log10(Math.max(v, 1e-300)) : v);
    const drawn = scene.lines.map((l) => {
      if (l.steps) return { ...l, ...staircase(l.x, l.y, l.steps) };
      const s = minMax(l.x, Float64Array.from({ length: l.y.length }, (_, i) => spell(l.y[i])), 2 * p.width);
      return { ...l, x: s.x, y: s.y };
    });
    const xs = extent(drawn.flatMap((l) => [...extent(l.x)]));
    let [low, high] = scene.yRange ?? extent(drawn.filter((l) => l.y.length).flatMap((l) => [...extent(l.y)]));
    // A change of a hundredth is no drama: the scale is not finer than that.
    const least = scene.log ? 0 : 0.02 * Math.max(Math.abs(low), Math.abs(high));
    if (!scene.yRange && high - low < least) [low, high] = [(low + high - least) / 2, (low + high + least) / 2];
    const space = (high - low || Math.abs(high) || 1) * 0.06;
    if (!scene.yRange) [low, high] = [low - space, high + space];
    const some = Math.max(2, Math.round((p.height - 54) / 45));
    const counts = scene.lines.every((l) => l.steps) ? wholeTicks : linearTicks;
    const yTicks = scene.log && high - low > 1 ? decadeTicks(low, high, 5) : (scene.yTicks ?? counts(low, high, some));
    const xTicks = scene.lines.every((l) => Array.from(l.x).every(Number.isInteger)) ? wholeTicks(xs[0], xs[1], Math.max(2, Math.round((p.width - 62) / 80))) : undefined;
    // As wide as the longest number beside the axis.
    const left = Math.max(52, 26 + 5.8 * Math.max(0, ...yTicks.map((t) => t.label.length)));
    const f = makeFrame(p.width, p.height, { x: xs, y: [low, high], margins: { left, right: 10, top: 20, bottom: 34 } });
    drawAxes(p, theme, f, { x: scene.x, y: scene.log && high - low <= 1 ? `log₁₀ ${scene.y}` : scene.y, xTicks, yTicks, yApart: left - 11 });
    this.legend(p, theme, f.left, drawn);
    p.clip(f.left, f.top, f.right - f.left, f.bottom - f.top, () => {
      for (const mark of scene.marks ?? []) {
        p.line([f.x(mark.x), f.top, f.x(mark.x), f.bottom], { color: theme.muted, dash: [3, 3] });
        const left = f.x(mark.x) > f.right - 90;
        p.text(f.x(mark.x) + (left ? -4 : 4), f.top + 8, mark.label, { color: theme.muted, size: 10, align: left ? "right" : "left" });
      }
      drawn.forEach((l, i) => {
        const xy = new Float64Array(2 * l.x.length);
        for (let k = 0; k < l.x.length; k++) {
          xy[2 * k] = f.x(l.x[k]);
          xy[2 * k + 1] = f.y(l.y[k]);
        }
        const color = theme.series[(l.color ?? i) % theme.series.length];
        p.line(xy, { color, width: l.width ?? 1.6, dash: l.dash });
        // What was searched; between two dots without a line nothing was.
        if (l.steps) {
          const own = scene.lines[i];
          for (let k = 0; k < own.x.length; k++) p.circle(f.x(own.x[k]), f.y(own.y[k]), 1.8, { fill: color });
        }
      });
      if (scene.cursor !== undefined) p.line([f.x(scene.cursor), f.top, f.x(scene.cursor), f.bottom], { color: theme.accent, width: 1.5 });
    });
  }

  private legend(p: Painter, theme: Theme, left: number, lines: Line[]): void {
    let x = left;
    const seen = new Set<string>();
    lines.forEach((l, i) => {
      if (!l.name || seen.has(l.name)) return;
      seen.add(l.name);
      p.line([x, 9, x + 14, 9], { color: theme.series[(l.color ?? i) % theme.series.length], width: 2, dash: l.dash });
      p.text(x + 18, 9, l.name, { color: theme.muted, size: 10 });
      x += 28 + l.name.length * 5.6;
    });
  }

  dispose(): void {
    this.stage.dispose();
  }
}
