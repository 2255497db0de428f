/** Histogram of log10 q with the threshold on it as a line that can be dragged. */

import { drawAxes, makeFrame } from "../core/chart";
import { Disposer } from "../core/dom";
import type { Painter } from "../core/painter";
import type { QScene } from "../core/scene";
import { Stage } from "../core/stage";
import type { Theme } from "../core/theme";
import { decadeTicks, power } from "../core/ticks";

export interface Bin {
  low: number;
  high: number;
  kept: number;
  other: number;
}

/** Values that are not finite (q = 0 gives -inf) are counted in the nearest outer bin. */
export function bins(values: ArrayLike<number>, kept: ArrayLike<number>, low: number, high: number, count: number): Bin[] {
  const width = (high - low) / count;
  const out: Bin[] = Array.from({ length: count }, (_, i) => ({ low: low + i * width, high: low + (i + 1) * width, kept: 0, other: 0 }));
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    const k = Math.max(0, Math.min(count - 1, Math.floor((values[i] - low) / width)));
    if (kept[i]) out[k].kept++;
    else out[k].other++;
  }
  return out;
}

const LOW = -36;
const HIGH = 2;

export class HistogramView {
  readonly stage: Stage;
  private scene: QScene | null = null;
  private dragging: number | null = null;
  private readonly disposer = new Disposer();

  /** `moved` is called while the line is dragged, with log10 of the new threshold. */
  constructor(private readonly moved: (logq: number) => void) {
    this.stage = new Stage("fpf-histogram", "histogram of log q with the threshold tol_q", (p, t) => this.draw(p, t), "fpf-stage-low");
    const { canvas } = this.stage;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "slider");
    canvas.setAttribute("aria-valuemin", String(LOW));
    canvas.setAttribute("aria-valuemax", "0");
    canvas.title = "log q of every candidate; drag the line to move tol_q";
    const x = (e: PointerEvent): number => e.clientX - canvas.getBoundingClientRect().left;
    this.disposer.listen<PointerEvent>(canvas, "pointerdown", (e) => {
      if (Math.abs(x(e) - this.frame().x(this.scene?.threshold ?? NaN)) > 12) return;
      canvas.setPointerCapture?.(e.pointerId);
      this.dragging = this.scene?.threshold ?? 0;
    });
    this.disposer.listen<PointerEvent>(canvas, "pointermove", (e) => {
      if (this.dragging === null) {
        const near = Math.abs(x(e) - this.frame().x(this.scene?.threshold ?? NaN)) <= 12;
        canvas.style.cursor = near ? "ew-resize" : "default";
      } else this.move(this.frame().invertX(x(e)));
    });
    this.disposer.listen<PointerEvent>(canvas, "pointerup", () => {
      this.dragging = null;
      this.stage.request();
    });
    this.disposer.listen<KeyboardEvent>(canvas, "keydown", (e) => {
      if (e.key !== "ArrowLeft" && e.key !== "ArrowRight") return;
      this.move((this.scene?.threshold ?? 0) + (e.key === "ArrowLeft" ? -0.5 : 0.5));
      this.dragging = null;
      e.preventDefault();
      e.stopPropagation();
    });
  }

  private move(to: number): void {
    this.dragging = Math.max(LOW, Math.min(0, Math.round(to * 10) / 10));
    this.moved(this.dragging);
    this.stage.request();
  }

  update(scene: QScene): void {
    this.scene = scene;
    this.stage.canvas.setAttribute("aria-valuenow", String(scene.threshold));
    this.stage.canvas.setAttribute("aria-valuetext", `tol_q ${power(Math.round(scene.threshold))}`);
    this.stage.request();
  }

  private frame(): ReturnType<typeof makeFrame> {
    return makeFrame(this.stage.width, this.stage.height, {
      x: [LOW, HIGH],
      y: [0, 1],
      margins: { left: 12, right: 12, top: 14, bottom: 30 },
    });
  }

  private draw(p: Painter, theme: Theme): void {
    if (!this.scene) return;
    const f = this.frame();
    drawAxes(p, theme, f, { xTicks: decadeTicks(LOW, HIGH, 8), yTicks: [], x: "q of each start", grid: false });
    const found = bins(this.scene.logq.data, this.scene.kept.data, LOW, HIGH, 76);
    // Square root, so that a handful of slow points is still seen beside a thousand converged ones.
    const top = Math.sqrt(Math.max(1, ...found.map((b) => b.kept + b.other)));
    for (const b of found) {
      const x = f.x(b.low) + 0.5;
      const w = Math.max(1, f.x(b.high) - f.x(b.low) - 1);
      const all = (Math.sqrt(b.kept + b.other) / top) * (f.bottom - f.top);
      if (all <= 0) continue;
      const share = b.kept / (b.kept + b.other);
      p.rect(x, f.bottom - all, w, all, { fill: theme.faint });
      p.rect(x, f.bottom - all * share, w, all * share, { fill: theme.accent });
    }
    const line = f.x(this.dragging ?? this.scene.threshold);
    p.line([line, f.top - 6, line, f.bottom], { color: theme.text, width: 1.5 });
    p.polygon([line - 5, f.top - 10, line + 5, f.top - 10, line, f.top - 3], { fill: theme.text });
    const right = line < f.right - 60;
    p.text(line + (right ? 6 : -6), f.top, "tol_q", { color: theme.text, size: 10, align: right ? "left" : "right" });
  }

  dispose(): void {
    this.disposer.dispose();
    this.stage.dispose();
  }
}
