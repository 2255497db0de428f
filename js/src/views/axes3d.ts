/** The box around a three-dimensional picture: faint back faces, ticks and labels on outer edges. */

import type { Bounds, Camera, Projector } from "../core/camera";
import type { Painter } from "../core/painter";
import type { Theme } from "../core/theme";
import { linearTicks } from "../core/ticks";

type Corner = [number, number, number];

const corner = (b: Bounds, sx: number, sy: number, sz: number): Corner => [
  b.center[0] + sx * b.half[0],
  b.center[1] + sy * b.half[1],
  b.center[2] + sz * b.half[2],
];

/** For each axis, the sign of the face that lies behind the data. */
export function backFaces(camera: Camera): [number, number, number] {
  const r = camera.rotation;
  return [r[6] > 0 ? -1 : 1, r[7] > 0 ? -1 : 1, r[8] > 0 ? -1 : 1];
}

/** Signs of the edge along `axis` that is outermost on the screen, away from the box's middle. */
export function outerEdge(axis: number, bounds: Bounds, project: Projector["project"]): [number, number] {
  const middle = project(...bounds.center);
  let best: [number, number] = [-1, -1];
  let bestScore = -Infinity;
  for (const a of [-1, 1])
    for (const b of [-1, 1]) {
      const signs = [a, b];
      signs.splice(axis, 0, 0);
      const at = project(...corner(bounds, signs[0], signs[1], signs[2]));
      // Below or left of the middle is where a reader looks for an axis.
      const score = Math.hypot(at[0] - middle[0], at[1] - middle[1]) + 0.8 * (at[1] - middle[1]) - 0.2 * (at[0] - middle[0]) - 0.01 * at[2];
      if (score > bestScore) {
        bestScore = score;
        best = [a, b];
      }
    }
  return best;
}

export function drawBox(p: Painter, theme: Theme, camera: Camera, bounds: Bounds, proj: Projector, labels: string[]): void {
  const back = backFaces(camera);
  const project = proj.project;
  for (let axis = 0; axis < 3; axis++) {
    const [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
    // The face normal to `axis`, seen from inside: a faint frame and grid.
    for (const [along, across] of [
      [u, v],
      [v, u],
    ]) {
      const low = bounds.center[across] - bounds.half[across];
      const high = bounds.center[across] + bounds.half[across];
      const stops = [low, ...linearTicks(low, high, 4).map((t) => t.value), high];
      for (const stop of stops) {
        const a: Corner = [0, 0, 0];
        const b: Corner = [0, 0, 0];
        a[axis] = b[axis] = bounds.center[axis] + back[axis] * bounds.half[axis];
        a[across] = b[across] = stop;
        a[along] = bounds.center[along] - bounds.half[along];
        b[along] = bounds.center[along] + bounds.half[along];
        const [p0, p1] = [project(...a), project(...b)];
        p.line([p0[0], p0[1], p1[0], p1[1]], { color: theme.grid });
      }
    }
  }
  const middle = project(...bounds.center);
  for (let axis = 0; axis < 3; axis++) {
    const [s, t] = outerEdge(axis, bounds, project);
    const at = (value: number): [number, number, number] => {
      const signs = [s, t];
      signs.splice(axis, 0, 0);
      const c = corner(bounds, signs[0], signs[1], signs[2]);
      c[axis] = value;
      return project(...c);
    };
    const low = bounds.center[axis] - bounds.half[axis];
    const high = bounds.center[axis] + bounds.half[axis];
    const [a, b, mid] = [at(low), at(high), at(bounds.center[axis])];
    p.line([a[0], a[1], b[0], b[1]], { color: theme.faint });
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    if (length < 60) continue; // this axis points at the viewer
    let [nx, ny] = [-(b[1] - a[1]) / length, (b[0] - a[0]) / length];
    if (nx * (mid[0] - middle[0]) + ny * (mid[1] - middle[1]) < 0) [nx, ny] = [-nx, -ny];
    for (const tick of linearTicks(low, high, 4)) {
      const q = at(tick.value);
      p.line([q[0], q[1], q[0] + nx * 4, q[1] + ny * 4], { color: theme.faint });
      p.text(q[0] + nx * 13, q[1] + ny * 11, tick.label, { color: theme.muted, size: 10, align: "center" });
    }
    let angle = Math.atan2(b[1] - a[1], b[0] - a[0]);
    if (angle > Math.PI / 2) angle -= Math.PI;
    if (angle < -Math.PI / 2) angle += Math.PI;
    p.text(mid[0] + nx * 30, mid[1] + ny * 28, labels[axis] ?? "", { color: theme.text, size: 11, align: "center", rotate: angle });
  }
}
