/** Right and left eigenvector of a mode as bars, one pair a unit. */

import type { NdArray } from "../core/codec";
import type { Painter } from "../core/painter";
import { Stage } from "../core/stage";
import type { Theme } from "../core/theme";
import { short } from "../core/ticks";

export interface BarScene {
  first: { name: string; values: NdArray };
  second: { name: string; values: NdArray };
}

/** Of how many columns one gets its number: all that fit, else every second, fifth, tenth, … */
export function strideOf(n: number, step: number): number {
  const wide = 6 * String(n).length + 6;
  for (let ten = 1; ; ten *= 10) for (const k of [1, 2, 5]) if (k * ten * step >= wide || k * ten >= n) return k * ten;
}

export class BarsView {
  readonly stage: Stage;
  private scene: BarScene | null = null;

  constructor(testid: string, label: string) {
    this.stage = new Stage(testid, label, (p, t) => this.draw(p, t), "fpf-stage-low");
  }

  update(scene: BarScene | null): void {
    this.scene = scene;
    this.stage.request();
  }

  private draw(p: Painter, theme: Theme): void {
    if (!this.scene) return;
    const foot = 24; // for the numbers of the units
    const half = (p.height - foot) / 2;
    // No colours of classes: a filled bar and an open one.
    this.row(p, theme, 0, half, this.scene.first, true);
    this.row(p, theme, half, half, this.scene.second, false);
    const n = this.scene.first.values.data.length;
    const { left, step } = this.columns(p, n);
    const every = strideOf(n, step);
    for (let i = 0; i < n; i += every) p.text(left + (i + 0.5) * step, p.height - foot + 8, String(i), { color: theme.muted, size: 9, align: "center" });
    p.text(left + (n * step) / 2, p.height - 5, "unit", { color: theme.muted, size: 10, align: "center" });
  }

  private columns(p: Painter, n: number): { left: number; step: number } {
    const left = 34;
    return { left, step: (p.width - 8 - left) / Math.max(1, n) };
  }

  private row(p: Painter, theme: Theme, top: number, height: number, { name, values: { data } }: BarScene["first"], filled: boolean): void {
    const n = data.length;
    if (!n) return;
    let limit = 0;
    for (let i = 0; i < n; i++) limit = Math.max(limit, Math.abs(data[i]));
    const { left, step } = this.columns(p, n);
    const right = left + n * step;
    const middle = top + 14 + (height - 20) / 2;
    const reach = (height - 24) / 2;
    p.text(left, top + 7, name, { color: theme.muted, size: 10 });
    for (const [at, words] of [[-1, `−${short(limit)}`], [0, "0"], [1, short(limit)]] as const) {
      const y = middle - at * reach;
      p.line([left - 4, y, at ? left : right, y], { color: theme.faint });
      if (limit || !at) p.text(left - 6, y, words, { color: theme.muted, size: 9, align: "right" });
    }
    const width = Math.max(1, Math.min(26, step * 0.7));
    for (let i = 0; i < n; i++) {
      const size = (reach * data[i]) / (limit || 1);
      const x = left + (i + 0.5) * step - width / 2;
      const [y, tall] = [Math.min(middle, middle - size), Math.max(0.5, Math.abs(size))];
      p.rect(x, y, width, tall, filled || width < 4 ? { fill: theme.muted } : { fill: theme.faint, stroke: theme.muted, alpha: 0.6 });
    }
    p.line([left, top + 14, left, top + height - 6], { color: theme.faint });
  }

  dispose(): void {
    this.stage.dispose();
  }
}
