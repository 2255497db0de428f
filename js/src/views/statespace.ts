/** Trajectories, fixed points, modes and launches in two or three dimensions. */

import { type Camera, type Projector, initialCamera, projector } from "../core/camera";
import { drawAxes, makeFrame } from "../core/chart";
import { CLASSES, categorical, clamp, distinct, extent, sequential } from "../core/colors";
import { Disposer, h } from "../core/dom";
import { type Painter, drawMarker } from "../core/painter";
import { inBox, inLasso, nearest } from "../core/pick";
import type { StateScene } from "../core/scene";
import { Stage } from "../core/stage";
import type { Theme } from "../core/theme";
import { short } from "../core/ticks";
import { drawBox } from "./axes3d";
import { type Field, drawField, drawTimeScale, drawTimed } from "./field";
import { drawManifold } from "./manifolds";
import { type GestureHost, type Outline, type Tool, attachGestures, reset } from "./gestures";
import { Tooltip } from "./tooltip";

export interface StateSpaceHost {
  select(index: number | null): void;
  selectMany(indices: number[]): void;
  hover(index: number): void;
  launch(x: number, y: number): void;
  /** The picture was turned, moved or zoomed. */
  turned?(camera: Camera, dim: number): void;
}

export interface ShowOptions {
  trajectories: boolean;
  modes: boolean;
  stableModes: boolean;
  starts: boolean;
  /** Whether colour shows the time along trajectories. */
  timed?: boolean;
}

const MARGIN = 50;
const TOP = 28; // of the frame in two dimensions: legends stand above it

export class StateSpaceView implements GestureHost {
  readonly stage: Stage;
  readonly element: HTMLElement;
  camera: Camera = initialCamera(3);
  dim = 3;
  tool: Tool = "rotate";
  selected: number | null = null;
  many: ReadonlySet<number> = new Set();
  hovered = -1;
  show: ShowOptions = { trajectories: true, modes: true, stableModes: false, starts: false };
  /** Arrows of the flow, in two dimensions. */
  field: Field | null = null;
  private scene: StateScene | null = null;
  private scenes = 0;
  private outlineNow: Outline | null = null;
  private screen = { x: new Float64Array(0), y: new Float64Array(0) };
  private readonly tooltip = new Tooltip();
  private readonly disposer = new Disposer();

  constructor(private readonly host: StateSpaceHost) {
    this.stage = new Stage(
      "fpf-plot",
      "State space. Arrow keys rotate, plus and minus zoom, n and p step through the points, Enter selects, Escape clears.",
      (p, theme) => this.draw(p, theme),
      "fpf-stage-main",
      "application",
    );
    this.element = this.stage.element;
    this.element.append(this.tooltip.element);
    attachGestures(this.stage.canvas, this, this.disposer);
  }

  update(scene: StateScene): void {
    const dim = Math.min(this.dim, scene.dim) as number;
    this.scene = scene;
    if (dim !== this.dim) this.setDim(dim);
    this.stage.canvas.dataset.points = String(scene.names.length);
    this.stage.canvas.dataset.scenes = String(++this.scenes);
    if (this.hovered >= scene.names.length) this.hoverPoint(-1);
    this.stage.request();
  }

  setDim(dim: number): void {
    const wanted = Math.max(2, Math.min(dim, this.scene?.dim ?? 3));
    if (wanted === this.dim) return;
    this.dim = wanted;
    this.camera = initialCamera(wanted);
    this.changed();
  }

  size(): { width: number; height: number } {
    return { width: this.stage.width, height: this.stage.height };
  }

  changed(): void {
    this.stage.canvas.dataset.rotation = this.camera.rotation.map((v) => v.toFixed(3)).join(" ");
    this.stage.request();
    this.host.turned?.(this.camera, this.dim);
  }

  resetCamera(): void {
    reset(this);
  }

  hover(x: number, y: number): void {
    const index = nearest(this.screen.x, this.screen.y, x, y, 14);
    if (index !== this.hovered) {
      this.hoverPoint(index);
      this.host.hover(index);
    }
  }

  /** Marks a point as hovered, also when the pointer is over another view. */
  hoverPoint(index: number): void {
    this.hovered = index;
    this.stage.canvas.style.cursor = index >= 0 ? "pointer" : this.tool === "rotate" ? "grab" : "crosshair";
    if (index >= 0 && this.scene && index < this.scene.names.length) {
      const values = this.scene.values.data;
      const lines = this.scene.names[index].split(" · ");
      if (values.length) lines.push(`${this.scene.valueLabel}: ${short(values[index])}`);
      this.tooltip.show(this.screen.x[index] ?? 0, this.screen.y[index] ?? 0, lines);
    } else this.tooltip.hide();
    this.stage.request();
  }

  leave(): void {
    if (this.hovered < 0) return;
    this.hoverPoint(-1);
    this.host.hover(-1);
  }

  click(x: number, y: number): void {
    if (this.tool === "launch" && this.dim === 2) {
      const [dx, dy] = this.projection().unproject(x, y);
      this.host.launch(dx, dy);
      return;
    }
    const index = nearest(this.screen.x, this.screen.y, x, y, 14);
    this.host.select(index >= 0 ? index : null);
  }

  outline(outline: Outline | null, done: boolean): void {
    this.outlineNow = done ? null : outline;
    if (done && outline && outline.points.length > 1) {
      const found =
        outline.tool === "box"
          ? inBox(this.screen.x, this.screen.y, outline.points[0], outline.points[1])
          : inLasso(this.screen.x, this.screen.y, outline.points);
      this.host.selectMany(found);
    }
    this.stage.request();
  }

  step(direction: number): void {
    const n = this.scene?.names.length ?? 0;
    if (!n) return;
    const from = this.hovered >= 0 ? this.hovered : (this.selected ?? (direction > 0 ? -1 : 0));
    this.hoverPoint((from + direction + n) % n);
    this.host.hover(this.hovered);
  }

  enter(): void {
    if (this.hovered >= 0) this.host.select(this.hovered);
  }

  escape(): void {
    this.outlineNow = null;
    this.host.select(null);
  }

  private projection(): Projector {
    const bounds = this.scene?.bounds ?? { center: [0, 0, 0] as const, half: [1, 1, 1] as const };
    return projector(this.camera, bounds, { width: this.stage.width, height: this.stage.height, margin: MARGIN }, this.dim);
  }

  private draw(p: Painter, theme: Theme): void {
    const scene = this.scene;
    if (!scene) return;
    const proj = this.projection();
    if (this.dim === 3) drawBox(p, theme, this.camera, scene.bounds, proj, scene.labels);
    else this.drawFrame(p, theme, proj, scene);
    const paint = (): void => {
      if (this.dim === 2 && this.field) drawField(p, theme, proj, this.field);
      this.drawPaths(p, theme, proj, scene);
      this.drawManifolds(p, theme, proj, scene);
      this.drawModes(p, theme, proj, scene);
      this.drawLaunches(p, theme, proj, scene);
      this.drawPoints(p, theme, proj, scene);
      if (this.outlineNow) this.drawOutline(p, theme, this.outlineNow);
    };
    if (this.dim === 3) paint();
    else p.clip(MARGIN, TOP, p.width - MARGIN - 10, p.height - MARGIN - TOP, paint);
    if (scene.values.data.length) this.drawScale(p, theme, scene);
    if (this.show.timed && this.show.trajectories) drawTimeScale(p, theme, scene.values.data.length ? 54 : 28);
  }

  private drawFrame(p: Painter, theme: Theme, proj: Projector, scene: StateScene): void {
    const [left, right, top, bottom] = [MARGIN, p.width - 10, TOP, p.height - MARGIN];
    const [a, b] = [proj.unproject(left, bottom), proj.unproject(right, top)];
    const frame = makeFrame(p.width, p.height, {
      x: [a[0], b[0]],
      y: [a[1], b[1]],
      margins: { left, right: 10, top, bottom: MARGIN },
    });
    drawAxes(p, theme, frame, { x: scene.labels[0], y: scene.labels[1] });
  }

  private flatten(proj: Projector, xyz: ArrayLike<number>, from: number, count: number): Float64Array {
    const out = new Float64Array(2 * count);
    for (let i = 0; i < count; i++) {
      const k = 3 * (from + i);
      const [x, y] = proj.project(xyz[k], xyz[k + 1], xyz[k + 2]);
      out[2 * i] = x;
      out[2 * i + 1] = y;
    }
    return out;
  }

  private drawPaths(p: Painter, theme: Theme, proj: Projector, scene: StateScene): void {
    if (this.show.trajectories) {
      const [trials, time] = scene.trajectories.shape;
      // Many trials lie on top of one another: fainter, so that the points stay in front.
      const alpha = Math.max(0.1, Math.min(0.45, 5 / Math.max(1, trials)));
      for (let t = 0; t < trials; t++) {
        const xy = this.flatten(proj, scene.trajectories.data, t * time, time);
        if (this.show.timed) drawTimed(p, xy, Math.min(0.9, 1.6 * alpha));
        else p.line(xy, { color: theme.path, width: 1, alpha });
      }
    }
    if (this.show.starts) {
      const xy = this.flatten(proj, scene.starts.data, 0, scene.starts.shape[0]);
      for (let i = 0; i < xy.length; i += 2) p.circle(xy[i], xy[i + 1], 1.4, { fill: theme.muted, alpha: 0.45 });
    }
  }

  private drawManifolds(p: Painter, theme: Theme, proj: Projector, scene: StateScene): void {
    for (const one of scene.manifolds ?? []) drawManifold(p, theme, one, (xyz, from, count) => this.flatten(proj, xyz, from, count));
  }

  private drawModes(p: Painter, theme: Theme, proj: Projector, scene: StateScene): void {
    const n = scene.modePoint.data.length;
    for (let i = 0; i < n; i++) {
      const stable = scene.modeKind.data[i] === 1;
      if (stable ? !this.show.stableModes : !this.show.modes) continue;
      const mine = this.selected === scene.modePoint.data[i];
      const kind = CLASSES[stable ? 0 : 2]; // as in the figures
      p.line(this.flatten(proj, scene.modes.data, 2 * i, 2), {
        color: theme.dark ? kind.dark : kind.light,
        width: mine ? 2.4 : 1.4,
        alpha: mine ? 1 : 0.6,
      });
    }
  }

  private drawLaunches(p: Painter, theme: Theme, proj: Projector, scene: StateScene): void {
    scene.launches.forEach((path, i) => {
      const xy = this.flatten(proj, path.xyz.data, 0, path.xyz.shape[0]);
      const color = theme.series[(2 + i) % theme.series.length];
      p.line(xy, { color, width: 2 });
      if (xy.length < 4) return;
      p.circle(xy[0], xy[1], 3, { fill: theme.background, stroke: color, width: 1.5 });
      p.circle(xy[xy.length - 2], xy[xy.length - 1], 3.5, { fill: color });
    });
  }

  private drawPoints(p: Painter, theme: Theme, proj: Projector, scene: StateScene): void {
    const n = scene.code.data.length;
    if (this.screen.x.length !== n) this.screen = { x: new Float64Array(n), y: new Float64Array(n) };
    const depth = new Float64Array(n);
    const order: number[] = [];
    for (let i = 0; i < n; i++) {
      const [x, y, z] = proj.project(scene.points.data[3 * i], scene.points.data[3 * i + 1], scene.points.data[3 * i + 2]);
      this.screen.x[i] = x;
      this.screen.y[i] = y;
      depth[i] = z;
      order.push(i);
    }
    if (this.dim === 3) order.sort((a, b) => depth[a] - depth[b]);
    const [near, far] = [Math.max(...depth), Math.min(...depth)];
    const [low, high] = extent(scene.values.data);
    for (const i of order) {
      const kind = CLASSES[scene.code.data[i]] ?? CLASSES[4];
      let fill = theme.dark ? kind.dark : kind.light;
      if (scene.values.data.length) {
        const value = scene.values.data[i];
        fill = scene.discrete ? categorical(value, scene.values.data, theme) : sequential((value - low) / (high - low || 1));
      }
      const front = this.dim === 3 && near > far ? (depth[i] - far) / (near - far) : 1;
      const size = (n > 400 ? 3.4 : 5) * (0.82 + 0.18 * front) * (i === this.hovered ? 1.25 : 1);
      const [x, y] = [this.screen.x[i], this.screen.y[i]];
      if (i === this.selected || this.many.has(i)) {
        p.circle(x, y, size + 5, { stroke: theme.accent, width: i === this.selected ? 2.5 : 1.5 });
      }
      const dim = this.many.size > 0 && !this.many.has(i) && i !== this.selected;
      drawMarker(p, kind.shape, x, y, size, { fill, stroke: theme.background, width: 1, alpha: dim ? 0.35 : 0.72 + 0.28 * front });
    }
  }

  private drawOutline(p: Painter, theme: Theme, outline: Outline): void {
    const pts = outline.points;
    if (pts.length < 2) return;
    const xy =
      outline.tool === "lasso"
        ? pts.flat()
        : [pts[0][0], pts[0][1], pts[1][0], pts[0][1], pts[1][0], pts[1][1], pts[0][0], pts[1][1]];
    p.polygon(xy, { fill: theme.accent, alpha: 0.12 });
    p.line([...xy, xy[0], xy[1]], { color: theme.accent, dash: [4, 3] });
  }

  private drawScale(p: Painter, theme: Theme, scene: StateScene): void {
    if (scene.discrete) {
      const levels = distinct(scene.values.data);
      let x = p.width - 12;
      for (const level of [...levels].reverse()) {
        const text = short(level);
        p.text(x, 26, text, { color: theme.muted, size: 10, align: "right" });
        x -= 6 * text.length + 6;
        p.rect(x - 5, 22, 8, 8, { fill: categorical(level, scene.values.data, theme) });
        x -= 14;
      }
      p.text(x, 26, scene.valueLabel, { color: theme.muted, size: 10, align: "right" });
      return;
    }
    const [low, high] = extent(scene.values.data);
    const [x, y, w] = [p.width - 130, 22, 90];
    for (let i = 0; i < w; i++) p.rect(x + i, y, 1.2, 7, { fill: sequential(clamp(i / (w - 1))) });
    p.text(x + w, y + 16, short(high), { color: theme.muted, size: 10, align: "right" });
    p.text(x, y + 16, short(low), { color: theme.muted, size: 10 });
    p.text(x - 6, y + 4, scene.valueLabel, { color: theme.muted, size: 10, align: "right" });
  }

  dispose(): void {
    this.disposer.dispose();
    this.stage.dispose();
  }
}

export const hint = (): HTMLElement =>
  h("div", { class: "fpf-hint" }, "drag rotates · shift-drag moves · wheel zooms · double click resets");
