/** A matrix as colours, centred at zero, with the value under the pointer. */

import type { NdArray } from "../core/codec";
import { diverging } from "../core/colors";
import { Disposer } from "../core/dom";
import type { Painter } from "../core/painter";
import { Stage } from "../core/stage";
import type { Theme } from "../core/theme";
import { short } from "../core/ticks";
import { Tooltip } from "./tooltip";

export interface HeatmapScene {
  title: string;
  matrix: NdArray; // [row, column]
  rows: ArrayLike<number> | null; // names of the rows in display order
  columns: ArrayLike<number> | null;
  rowWord: string;
  columnWord: string;
}

export interface Cell {
  row: number;
  column: number;
}

export function cellAt(x: number, y: number, box: { left: number; top: number; width: number; height: number }, shape: readonly number[]): Cell | null {
  const column = Math.floor(((x - box.left) / box.width) * shape[1]);
  const row = Math.floor(((y - box.top) / box.height) * shape[0]);
  return row >= 0 && column >= 0 && row < shape[0] && column < shape[1] ? { row, column } : null;
}

export class HeatmapView {
  readonly stage: Stage;
  private scene: HeatmapScene | null = null;
  private limit = 1;
  private hovered: Cell | null = null;
  private readonly tooltip = new Tooltip();
  private readonly disposer = new Disposer();

  constructor(testid: string, label: string, className = "fpf-stage-square") {
    this.stage = new Stage(testid, label, (p, t) => this.draw(p, t), className);
    this.stage.element.append(this.tooltip.element);
    const { canvas } = this.stage;
    this.disposer.listen<PointerEvent>(canvas, "pointermove", (e) => {
      const rect = canvas.getBoundingClientRect();
      this.hover(e.clientX - rect.left, e.clientY - rect.top);
    });
    this.disposer.listen(canvas, "pointerleave", () => this.hover(-1, -1));
  }

  update(scene: HeatmapScene | null): void {
    this.scene = scene;
    this.limit = 0;
    if (scene) for (let i = 0; i < scene.matrix.data.length; i++) this.limit = Math.max(this.limit, Math.abs(scene.matrix.data[i]));
    this.stage.element.style.display = scene && scene.matrix.data.length ? "" : "none";
    this.stage.request();
  }

  private box(): { left: number; top: number; width: number; height: number } {
    const [rows, columns] = this.scene?.matrix.shape ?? [1, 1];
    const [w, h] = [this.stage.width - 34, this.stage.height - 60];
    const cell = Math.min(w / columns, h / rows);
    // Square cells for square matrices; a narrow one may stretch, up to 22 pixels.
    const width = Math.max(4, rows === columns ? cell * columns : Math.min(w, 22 * columns));
    const height = Math.max(4, rows === columns ? cell * rows : h);
    return { left: 26, top: 20, width, height };
  }

  private hover(x: number, y: number): void {
    const scene = this.scene;
    this.hovered = scene ? cellAt(x, y, this.box(), scene.matrix.shape) : null;
    if (scene && this.hovered) {
      const { row, column } = this.hovered;
      const value = scene.matrix.data[row * scene.matrix.shape[1] + column];
      const r = scene.rows ? scene.rows[row] : row;
      const c = scene.columns ? scene.columns[column] : column;
      this.tooltip.show(x, y, [short(value), `${scene.rowWord} ${r} ← ${scene.columnWord} ${c}`]);
    } else this.tooltip.hide();
    this.stage.request();
  }

  private draw(p: Painter, theme: Theme): void {
    const scene = this.scene;
    if (!scene || !scene.matrix.data.length) return;
    const [rows, columns] = scene.matrix.shape;
    const b = this.box();
    p.text(b.left, 9, scene.title, { color: theme.text, size: 11, weight: 600 });
    const [w, h] = [b.width / columns, b.height / rows];
    // Cells snap to whole pixels: otherwise hairlines show between them.
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const x0 = Math.round(b.left + c * w);
        const y0 = Math.round(b.top + r * h);
        const fill = diverging(scene.matrix.data[r * columns + c] / (this.limit || 1));
        p.rect(x0, y0, Math.round(b.left + (c + 1) * w) - x0, Math.round(b.top + (r + 1) * h) - y0, { fill });
      }
    p.rect(b.left - 0.5, b.top - 0.5, b.width + 1, b.height + 1, { stroke: theme.faint });
    for (let r = 0; r < rows; r += Math.ceil(10 / h)) this.label(p, theme, b.left - 5, b.top + (r + 0.5) * h, scene.rows?.[r] ?? r, "right");
    for (let c = 0; c < columns; c += Math.ceil(14 / w)) this.label(p, theme, b.left + (c + 0.5) * w, b.top + b.height + 9, scene.columns?.[c] ?? c, "center");
    this.bar(p, theme, b.left, b.top + b.height + 20, Math.min(Math.max(b.width, 30), p.width - b.left - 2));
    if (this.hovered) {
      p.rect(b.left + this.hovered.column * w, b.top + this.hovered.row * h, w, h, { stroke: theme.text, width: 1.5 });
    }
  }

  /** What the colours mean. */
  private bar(p: Painter, theme: Theme, left: number, top: number, width: number): void {
    const words = short(this.limit);
    const n = 32;
    for (let k = 0; k < n; k++) {
      const [x0, x1] = [Math.round(left + (k * width) / n), Math.round(left + ((k + 1) * width) / n)];
      p.rect(x0, top, x1 - x0, 6, { fill: diverging((2 * k) / (n - 1) - 1) });
    }
    p.rect(left - 0.5, top - 0.5, width + 1, 7, { stroke: theme.faint });
    if (width < 70) return p.text(left + width / 2, top + 14, `±${words}`, { color: theme.muted, size: 9, align: "center" });
    p.text(left, top + 14, `−${words}`, { color: theme.muted, size: 9, align: "left" });
    if (width > 90) p.text(left + width / 2, top + 14, "0", { color: theme.muted, size: 9, align: "center" });
    p.text(left + width, top + 14, words, { color: theme.muted, size: 9, align: "right" });
  }

  private label(p: Painter, theme: Theme, x: number, y: number, value: number, align: "right" | "center"): void {
    p.text(x, y, String(value), { color: theme.muted, size: 9, align });
  }

  dispose(): void {
    this.disposer.dispose();
    this.stage.dispose();
  }
}
