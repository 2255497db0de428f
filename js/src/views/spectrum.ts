/** Eigenvalues in the complex plane with the line that separates growth from decay. */

import { drawAxes, makeFrame } from "../core/chart";
import { CLASSES } from "../core/colors";
import { Disposer } from "../core/dom";
import { type Painter, drawMarker } from "../core/painter";
import { nearest } from "../core/pick";
import { Stage } from "../core/stage";
import type { Theme } from "../core/theme";
import { complex } from "../core/ticks";
import { Tooltip } from "./tooltip";

export interface SpectrumSet {
  /** Interleaved real and imaginary parts. */
  values: ArrayLike<number>;
  code: number;
  name: string;
  /** Drawn with the shape of its class, as the first set is, and not as a cross beside it. */
  equal?: boolean;
}

export interface SpectrumScene {
  discrete: boolean;
  marginal: number;
  sets: SpectrumSet[];
  /** Paths of eigenvalues, interleaved, NaN between them. */
  paths?: ArrayLike<number>;
}

/** Grows to hold the data and keeps its size while they fit loosely: nothing jumps. */
export function steadyExtent(old: number, needed: number): number {
  return needed > old || needed < old / 2.5 ? needed : old;
}

export class SpectrumView {
  readonly stage: Stage;
  selected = 0;
  hovered = -1;
  private scene: SpectrumScene | null = null;
  private radius = 0;
  private shift = 0;
  private x = new Float64Array(0);
  private y = new Float64Array(0);
  private readonly tooltip = new Tooltip();
  private readonly disposer = new Disposer();

  constructor(
    private readonly onSelect: (index: number) => void,
    private readonly onHover: (index: number) => void,
    testid = "fpf-spectrum",
  ) {
    this.stage = new Stage(testid, "eigenvalue spectrum; arrow keys walk the eigenvalues", (p, t) => this.draw(p, t), "fpf-stage-square");
    this.stage.element.append(this.tooltip.element);
    const { canvas } = this.stage;
    canvas.tabIndex = 0;
    const at = (e: PointerEvent): number => {
      const box = canvas.getBoundingClientRect();
      return nearest(this.x, this.y, e.clientX - box.left, e.clientY - box.top, 12);
    };
    this.disposer.listen<PointerEvent>(canvas, "pointermove", (e) => {
      const i = at(e);
      if (i === this.hovered) return;
      this.hoverValue(i);
      this.onHover(i);
    });
    this.disposer.listen(canvas, "pointerleave", () => {
      this.hoverValue(-1);
      this.onHover(-1);
    });
    this.disposer.listen<PointerEvent>(canvas, "click", (e) => {
      const i = at(e);
      if (i >= 0) this.onSelect(i);
    });
    this.disposer.listen<KeyboardEvent>(canvas, "keydown", (e) => {
      const direction = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
      if (!direction || !this.x.length) return;
      this.onSelect((this.selected + direction + this.x.length) % this.x.length);
      e.preventDefault();
      e.stopPropagation();
    });
  }

  update(scene: SpectrumScene): void {
    this.scene = scene;
    let needed = scene.discrete ? 1.12 : 0.1;
    let low = 0;
    let high = 0;
    for (const set of scene.sets)
      for (let i = 0; i + 1 < set.values.length; i += 2) {
        if (!Number.isFinite(set.values[i])) continue;
        if (scene.discrete) needed = Math.max(needed, 1.1 * Math.abs(set.values[i]), 1.1 * Math.abs(set.values[i + 1]));
        low = Math.min(low, set.values[i]);
        high = Math.max(high, set.values[i]);
        if (!scene.discrete) needed = Math.max(needed, 1.1 * Math.abs(set.values[i + 1]));
      }
    this.shift = scene.discrete ? 0 : (low + high) / 2;
    if (!scene.discrete) needed = Math.max(needed, 0.6 * (high - low));
    this.radius = steadyExtent(this.radius, needed);
    this.stage.canvas.dataset.eigenvalues = String(scene.sets[0]?.values.length ? scene.sets[0].values.length / 2 : 0);
    this.stage.request();
  }

  hoverValue(index: number): void {
    this.hovered = index;
    const first = this.scene?.sets[0];
    if (index >= 0 && first && 2 * index + 1 < first.values.length) {
      const [re, im] = [first.values[2 * index], first.values[2 * index + 1]];
      const size = this.scene?.discrete ? `|λ| = ${Math.hypot(re, im).toFixed(4)}` : `Re λ = ${re.toFixed(4)}`;
      this.tooltip.show(this.x[index], this.y[index], [`λ${index + 1} = ${complex(re, im)}`, size]);
    } else this.tooltip.hide();
    this.stage.request();
  }

  private draw(p: Painter, theme: Theme): void {
    const scene = this.scene;
    if (!scene) return;
    const f = makeFrame(p.width, p.height, {
      x: [this.shift - this.radius, this.shift + this.radius],
      y: [-this.radius, this.radius],
      equal: true,
      margins: { left: 50, right: 8, top: 8, bottom: 34 },
    });
    drawAxes(p, theme, f, { x: "Re λ", y: "Im λ" });
    p.clip(f.left, f.top, f.right - f.left, f.bottom - f.top, () => {
      this.drawCriterion(p, theme, f, scene);
      if (scene.paths) {
        const xy = new Float64Array(scene.paths.length);
        for (let i = 0; i + 1 < xy.length; i += 2) {
          xy[i] = f.x(scene.paths[i]);
          xy[i + 1] = f.y(scene.paths[i + 1]);
        }
        p.line(xy, { color: theme.path, alpha: 0.5 });
      }
      for (let s = scene.sets.length - 1; s >= 0; s--) this.drawSet(p, theme, f, scene.sets[s], s);
    });
  }

  private drawCriterion(p: Painter, theme: Theme, f: ReturnType<typeof makeFrame>, scene: SpectrumScene): void {
    if (scene.discrete) {
      const r = f.x(1) - f.x(0);
      const band = Math.max(1, 2 * r * scene.marginal);
      p.circle(f.x(0), f.y(0), r, { fill: theme.accent, alpha: 0.06 });
      p.circle(f.x(0), f.y(0), r, { stroke: theme.muted, width: band });
    } else {
      p.rect(f.left, f.top, Math.max(0, f.x(0) - f.left), f.bottom - f.top, { fill: theme.accent, alpha: 0.06 });
      p.line([f.x(0), f.top, f.x(0), f.bottom], { color: theme.muted, width: 1.4 });
    }
  }

  private drawSet(p: Painter, theme: Theme, f: ReturnType<typeof makeFrame>, set: SpectrumSet, s: number): void {
    const n = set.values.length / 2;
    const kind = CLASSES[set.code] ?? CLASSES[4];
    const own = s === 0 || set.equal === true;
    const color = own ? (theme.dark ? kind.dark : kind.light) : theme.series[s % theme.series.length];
    if (s === 0 && this.x.length !== n) {
      this.x = new Float64Array(n);
      this.y = new Float64Array(n);
    }
    for (let i = n - 1; i >= 0; i--) {
      const [x, y] = [f.x(set.values[2 * i]), f.y(set.values[2 * i + 1])];
      if (s === 0) {
        this.x[i] = x;
        this.y[i] = y;
        if (i === this.selected) p.circle(x, y, 9, { stroke: theme.accent, width: 2 });
      }
      const size = (own ? 4.5 : 3.5) * (s === 0 && i === this.hovered ? 1.35 : 1);
      drawMarker(p, own ? kind.shape : "cross", x, y, size, { fill: color, stroke: theme.background, alpha: own ? 0.95 : 0.75 });
    }
  }

  dispose(): void {
    this.disposer.dispose();
    this.stage.dispose();
  }
}
