/** What lies under the pointer, in a box, or in a lasso (all in screen pixels). */

export type XY = readonly [number, number];

/** Index of the nearest point within `radius`, or -1; of equally near ones the later (nearer) wins. */
export function nearest(xs: ArrayLike<number>, ys: ArrayLike<number>, x: number, y: number, radius: number): number {
  let best = -1;
  let bestDistance = radius * radius;
  for (let i = 0; i < xs.length; i++) {
    const d = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
    if (d <= bestDistance) {
      best = i;
      bestDistance = d;
    }
  }
  return best;
}

export function inBox(xs: ArrayLike<number>, ys: ArrayLike<number>, a: XY, b: XY): number[] {
  const [x0, x1] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
  const [y0, y1] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
  const found: number[] = [];
  for (let i = 0; i < xs.length; i++) {
    if (xs[i] >= x0 && xs[i] <= x1 && ys[i] >= y0 && ys[i] <= y1) found.push(i);
  }
  return found;
}

/** Even-odd rule. */
export function insidePolygon(polygon: readonly XY[], x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i];
    const [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

export function inLasso(xs: ArrayLike<number>, ys: ArrayLike<number>, polygon: readonly XY[]): number[] {
  if (polygon.length < 3) return [];
  const found: number[] = [];
  for (let i = 0; i < xs.length; i++) if (insidePolygon(polygon, xs[i], ys[i])) found.push(i);
  return found;
}
