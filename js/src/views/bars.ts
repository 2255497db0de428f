/** Right and left eigenvector of a mode as bars, one pair a unit. */

import type { NdArray } from "../core/codec";
import type { Painter } from "../core/painter";
import { Stage } from "../core/stage";
import type { Theme } from "../core/theme";

export interface BarScene {
  first: { name: string; values: NdArray };
  second: { name: string; values: NdArray };
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
    const half = p.height / 2;
    this.row(p, theme, 0, half, this.scene.first.name, this.scene.first.values.data, theme.series[1]);
    this.row(p, theme, half, half, this.scene.second.name, this.scene.second.values.data, theme.series[0]);
  }

  private row(p: Painter, theme: Theme, top: number, height: number, name: string, values: ArrayLike<number>, color: string): void {
    const [left, right, n] = [8, p.width - 8, values.length];
    if (!n) return;
    let limit = 0;
    for (let i = 0; i < n; i++) limit = Math.max(limit, Math.abs(values[i]));
    const middle = top + 14 + (height - 20) / 2;
    const reach = (height - 24) / 2;
    p.text(left, top + 7, name, { color: theme.muted, size: 10 });
    const step = (right - left) / n;
    const width = Math.max(1, Math.min(26, step * 0.7));
    for (let i = 0; i < n; i++) {
      const size = (reach * values[i]) / (limit || 1);
      const x = left + (i + 0.5) * step - width / 2;
      p.rect(x, Math.min(middle, middle - size), width, Math.max(0.5, Math.abs(size)), { fill: color, alpha: 0.9 });
    }
    p.line([left, middle, right, middle], { color: theme.faint });
  }

  dispose(): void {
    this.stage.dispose();
  }
}
