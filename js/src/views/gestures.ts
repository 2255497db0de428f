/** Pointer, wheel and keyboard on the state space, turned into intents. */

import { type Camera, drag, initialCamera, zoomAt } from "../core/camera";
import type { Disposer } from "../core/dom";

export type Tool = "rotate" | "box" | "lasso" | "launch";
export type Outline = { tool: "box" | "lasso"; points: [number, number][] };

export interface GestureHost {
  camera: Camera;
  dim: number;
  tool: Tool;
  /** Size of the canvas in CSS pixels. */
  size(): { width: number; height: number };
  changed(): void;
  hover(x: number, y: number): void;
  leave(): void;
  click(x: number, y: number): void;
  outline(outline: Outline | null, done: boolean): void;
  step(direction: number): void;
  enter(): void;
  escape(): void;
}

export function attachGestures(canvas: HTMLCanvasElement, host: GestureHost, d: Disposer): void {
  let start: { x: number; y: number; moved: boolean; pan: boolean; outline: Outline | null } | null = null;
  let last = { x: 0, y: 0 };
  const at = (e: PointerEvent | WheelEvent): { x: number; y: number } => {
    const box = canvas.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  };

  d.listen<PointerEvent>(canvas, "pointerdown", (e) => {
    if (e.button !== 0 && e.button !== 1) return;
    const p = at(e);
    const drawing = (host.tool === "box" || host.tool === "lasso") && !e.shiftKey;
    start = {
      ...p,
      moved: false,
      pan: e.shiftKey || e.button === 1 || host.dim !== 3,
      outline: drawing ? { tool: host.tool as "box" | "lasso", points: [[p.x, p.y]] } : null,
    };
    last = p;
    canvas.setPointerCapture?.(e.pointerId);
  });

  d.listen<PointerEvent>(canvas, "pointermove", (e) => {
    const p = at(e);
    if (!start) return host.hover(p.x, p.y);
    if (!start.moved && Math.hypot(p.x - start.x, p.y - start.y) < 4) return;
    start.moved = true;
    if (start.outline) {
      if (start.outline.tool === "box") start.outline.points[1] = [p.x, p.y];
      else start.outline.points.push([p.x, p.y]);
      host.outline(start.outline, false);
    } else if (start.pan) {
      host.camera = { ...host.camera, panX: host.camera.panX + p.x - last.x, panY: host.camera.panY + p.y - last.y };
      host.changed();
    } else {
      host.camera = drag(host.camera, p.x - last.x, p.y - last.y);
      host.changed();
    }
    last = p;
  });

  const finish = (e: PointerEvent): void => {
    if (!start) return;
    const ended = start;
    start = null;
    canvas.releasePointerCapture?.(e.pointerId);
    if (ended.outline && ended.moved) host.outline(ended.outline, true);
    else if (!ended.moved && e.type === "pointerup") host.click(ended.x, ended.y);
  };
  d.listen<PointerEvent>(canvas, "pointerup", finish);
  d.listen<PointerEvent>(canvas, "pointercancel", finish);
  d.listen<PointerEvent>(canvas, "pointerleave", () => host.leave());

  d.listen<WheelEvent>(
    canvas,
    "wheel",
    (e) => {
      // A page must stay scrollable over a picture that nobody has touched yet.
      if (document.activeElement !== canvas && !e.ctrlKey) return;
      e.preventDefault();
      const { width, height } = host.size();
      const p = at(e);
      host.camera = zoomAt(host.camera, Math.exp(-e.deltaY * 0.0015), p.x - width / 2, p.y - height / 2);
      host.changed();
    },
    { passive: false },
  );
  d.listen<PointerEvent>(canvas, "pointerdown", () => canvas.focus({ preventScroll: true }));
  d.listen<MouseEvent>(canvas, "dblclick", () => reset(host));

  d.listen<KeyboardEvent>(canvas, "keydown", (e) => {
    const turn: Record<string, [number, number]> = {
      ArrowLeft: [-18, 0],
      ArrowRight: [18, 0],
      ArrowUp: [0, -18],
      ArrowDown: [0, 18],
    };
    const move = turn[e.key];
    if (move) {
      host.camera =
        host.dim === 3 && !e.shiftKey
          ? drag(host.camera, move[0], move[1])
          : { ...host.camera, panX: host.camera.panX + move[0], panY: host.camera.panY + move[1] };
      host.changed();
    } else if (e.key === "+" || e.key === "=" || e.key === "-") {
      host.camera = zoomAt(host.camera, e.key === "-" ? 1 / 1.15 : 1.15, 0, 0);
      host.changed();
    } else if (e.key === "0" || e.key === "Home") reset(host);
    else if (e.key === "n" || e.key === "p") host.step(e.key === "n" ? 1 : -1);
    else if (e.key === "Enter") host.enter();
    else if (e.key === "Escape") host.escape();
    else return;
    e.preventDefault();
    e.stopPropagation(); // else the notebook takes the key as its own command
  });
}

export function reset(host: GestureHost): void {
  host.camera = initialCamera(host.dim);
  host.changed();
}
