/** The branches below the picture: points over a setting, and its present value as a line to drag. */

import { drawAxes, makeFrame } from "../core/chart";
import { CLASSES } from "../core/colors";
import { Disposer } from "../core/dom";
import { type Painter, drawMarker } from "../core/painter";
import { Stage } from "../core/stage";
import { type Sight, along, signsOf } from "../core/sweep";
import type { Theme } from "../core/theme";

export interface StripScene {
  name: string;
  axis: string;
  low: number;
  high: number;
  now: number;
  step: number;
  sights: Sight[]; // in the order of their values
  center: ArrayLike<number>;
  direction: ArrayLike<number>;
}

const MARGINS = { left: 52, right: 10, top: 20, bottom: 34 };

export class StripView {
  readonly stage: Stage;
  private scene: StripScene | null = null;
  private held = false;
  private readonly disposer = new Disposer();

  /** `moved` is called with the value that a hand chooses; `done` when it lets go. */
  constructor(private readonly moved: (value: number, done: boolean) => void) {
    this.stage = new Stage("fpf-strip", "branches of fixed points", (p, t) => this.draw(p, t), "fpf-stage-low", "slider");
    const { canvas } = this.stage;
    canvas.title = "fixed points over this setting; drag the line, or click, to move it";
    const value = (e: PointerEvent): number => this.rounded(this.frame().invertX(e.clientX - canvas.getBoundingClientRect().left));
    this.disposer.listen<PointerEvent>(canvas, "pointerdown", (e) => {
      if (!this.scene) return;
      canvas.setPointerCapture?.(e.pointerId);
      this.held = true;
      this.moved(value(e), false);
    });
    this.disposer.listen<PointerEvent>(canvas, "pointermove", (e) => this.held && this.moved(value(e), false));
    for (const end of ["pointerup", "pointercancel"])
      this.disposer.listen<PointerEvent>(canvas, end, () => {
        if (this.held && this.scene) this.moved(this.scene.now, true);
        this.held = false;
      });
    this.disposer.listen<KeyboardEvent>(canvas, "keydown", (e) => {
      const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[e.key];
      if (!by || !this.scene) return;
      e.preventDefault();
      e.stopPropagation();
      this.moved(this.rounded(this.scene.now + by * this.scene.step), true);
    });
  }

  update(scene: StripScene | null): void {
    this.scene = scene;
    const { canvas } = this.stage;
    if (scene) {
      canvas.setAttribute("aria-label", `branches of fixed points over ${scene.name}`);
      for (const [name, v] of [["min", scene.low], ["max", scene.high], ["now", scene.now]] as const) canvas.setAttribute(`aria-value${name}`, String(v));
    }
    this.stage.request();
  }

  private rounded(value: number): number {
    const { low, high, step } = this.scene as StripScene;
    return Number(Math.min(high, Math.max(low, Math.round(value / step) * step)).toPrecision(12));
  }

  private heights(): { y: Map<Sight, number[]>; low: number; high: number } {
    const scene = this.scene as StripScene;
    const y = new Map(scene.sights.map((s) => [s, s.ids.map((_, i) => along(s, i, scene.center, scene.direction))]));
    let [low, high] = [Infinity, -Infinity];
    for (const row of y.values()) for (const v of row) [low, high] = [Math.min(low, v), Math.max(high, v)];
    if (low > high) [low, high] = [-1, 1];
    const space = 0.08 * (high - low || 1);
    return { y, low: low - space, high: high + space };
  }

  private frame(heights = this.heights()) {
    const { low, high } = this.scene as StripScene;
    return makeFrame(this.stage.width, this.stage.height, { x: [low, high], y: [heights.low, heights.high], margins: MARGINS });
  }

  private draw(p: Painter, theme: Theme): void {
    const { scene } = this;
    if (!scene) return;
    const heights = this.heights();
    const f = this.frame(heights);
    drawAxes(p, theme, f, { x: scene.name, y: scene.axis });
    const color = (code: number): string => (CLASSES[code] ?? CLASSES[4])[theme.dark ? "dark" : "light"];
    p.clip(f.left, f.top, f.right - f.left, f.bottom - f.top, () => {
      scene.sights.forEach((sight, k) => {
        const next = scene.sights[k + 1];
        const [ys, on] = [heights.y.get(sight) as number[], next && (heights.y.get(next) as number[])];
        sight.ids.forEach((id, i) => {
          const j = next?.at.get(id) ?? -1;
          const style = { color: color(sight.code[i]), width: 1.4, dash: sight.code[i] === 0 ? undefined : [4, 2] };
          if (j >= 0) p.line([f.x(sight.value), f.y(ys[i]), f.x(next.value), f.y(on[j])], style);
          else p.circle(f.x(sight.value), f.y(ys[i]), 1.2, { fill: style.color });
        });
      });
      for (const sign of signsOf(scene.sights)) {
        const sides = [sign.before, sign.after].filter((k) => k >= 0).map((k) => scene.sights[k]);
        const y = sides.reduce((s, side) => s + (heights.y.get(side) as number[])[side.at.get(sign.id) as number], 0) / sides.length;
        drawMarker(p, sign.kind === "fold" ? "ring" : "square", f.x(sign.value), f.y(y), 2.6, { fill: theme.text });
      }
      p.line([f.x(scene.now), f.top, f.x(scene.now), f.bottom], { color: theme.accent, width: 2 });
    });
    let x = f.left;
    for (const [shape, words] of [["ring", "fold: begins or ends"], ["square", "class changes"]] as const) {
      drawMarker(p, shape, x + 4, 9, 2.6, { fill: theme.text });
      p.text(x + 12, 9, words, { color: theme.muted, size: 10 });
      x += 28 + words.length * 5.6;
    }
  }

  dispose(): void {
    this.disposer.dispose();
    this.stage.dispose();
  }
}
