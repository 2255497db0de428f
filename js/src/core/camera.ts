/** An orthographic camera: rotation matrix (row major, 9 numbers), zoom and pan. */

export type Mat3 = readonly number[];
export type Vec3 = readonly [number, number, number];

export interface Camera {
  rotation: Mat3;
  zoom: number;
  panX: number;
  panY: number;
}

export interface Bounds {
  center: Vec3;
  half: Vec3;
}

export interface Viewport {
  width: number;
  height: number;
  margin: number;
}

export interface Projector {
  /** Pixels per data unit. */
  scale: number;
  /** Screen x, y and depth (larger is nearer) of a data point. */
  project(x: number, y: number, z: number): [number, number, number];
  /** Data coordinates of the screen point, on the plane through the centre that faces the viewer. */
  unproject(sx: number, sy: number): Vec3;
}

export const IDENTITY: Mat3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

export function multiply(a: Mat3, b: Mat3): Mat3 {
  const out: number[] = [];
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      out.push(a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]);
  return out;
}

export const transpose = (m: Mat3): Mat3 => [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];

export function rotationX(angle: number): Mat3 {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [1, 0, 0, 0, c, -s, 0, s, c];
}

export function rotationY(angle: number): Mat3 {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [c, 0, s, 0, 1, 0, -s, 0, c];
}

export function rotationZ(angle: number): Mat3 {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [c, -s, 0, s, c, 0, 0, 0, 1];
}

/** Gram-Schmidt, so that a thousand small rotations do not shear the picture. */
export function orthonormalize(m: Mat3): Mat3 {
  const norm = (v: number[]) => {
    const n = Math.hypot(v[0], v[1], v[2]) || 1;
    return [v[0] / n, v[1] / n, v[2] / n];
  };
  const a = norm([m[0], m[1], m[2]]);
  const d = a[0] * m[3] + a[1] * m[4] + a[2] * m[5];
  const b = norm([m[3] - d * a[0], m[4] - d * a[1], m[5] - d * a[2]]);
  const c = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  return [...a, ...b, ...c];
}

/** Turns the scene with the pointer: dx to the right, dy down, both in pixels. */
export function drag(camera: Camera, dx: number, dy: number, pixelsPerRadian = 150): Camera {
  const turn = multiply(rotationX(dy / pixelsPerRadian), rotationY(dx / pixelsPerRadian));
  return { ...camera, rotation: orthonormalize(multiply(turn, camera.rotation)) };
}

/** Zooms so that the data under the pointer stays under it. */
export function zoomAt(camera: Camera, factor: number, px: number, py: number): Camera {
  const zoom = Math.min(200, Math.max(0.2, camera.zoom * factor));
  const f = zoom / camera.zoom;
  return {
    ...camera,
    zoom,
    panX: px + (camera.panX - px) * f,
    panY: py + (camera.panY - py) * f,
  };
}

export function initialCamera(dim: number): Camera {
  const rotation =
    dim === 2 ? IDENTITY : multiply(rotationX(-1.13), rotationZ(0.62));
  return { rotation, zoom: 1, panX: 0, panY: 0 };
}

/** In two dimensions both axes fill the frame; in three one scale serves all directions. */
export function projector(camera: Camera, bounds: Bounds, view: Viewport, dim: number): Projector {
  const [cx, cy, cz] = bounds.center;
  const innerW = Math.max(10, view.width - 2 * view.margin);
  const innerH = Math.max(10, view.height - 2 * view.margin);
  const midX = view.width / 2 + camera.panX;
  const midY = view.height / 2 + camera.panY;
  if (dim === 2) {
    const sx = (innerW / (2 * bounds.half[0])) * camera.zoom;
    const sy = (innerH / (2 * bounds.half[1])) * camera.zoom;
    return {
      scale: Math.min(sx, sy),
      project: (x, y, z) => [midX + (x - cx) * sx, midY - (y - cy) * sy, z - cz],
      unproject: (px, py) => [cx + (px - midX) / sx, cy - (py - midY) / sy, cz],
    };
  }
  const r = camera.rotation;
  // Half the width and height of the turned box on the screen: its corners touch the margins.
  const reach = (row: number): number => bounds.half.reduce((sum, half, k) => sum + Math.abs(r[3 * row + k]) * half, 0) || 1;
  const scale = Math.min(innerW / (2 * reach(0)), innerH / (2 * reach(1))) * camera.zoom;
  return {
    scale,
    project: (x, y, z) => {
      const [dx, dy, dz] = [x - cx, y - cy, z - cz];
      return [
        midX + scale * (r[0] * dx + r[1] * dy + r[2] * dz),
        midY - scale * (r[3] * dx + r[4] * dy + r[5] * dz),
        r[6] * dx + r[7] * dy + r[8] * dz,
      ];
    },
    unproject: (px, py) => {
      const [u, v] = [(px - midX) / scale, -(py - midY) / scale];
      return [cx + r[0] * u + r[3] * v, cy + r[1] * u + r[4] * v, cz + r[2] * u + r[5] * v];
    },
  };
}
