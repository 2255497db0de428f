/** Branches of fixed points over one setting: what a sweep of it found, value by value. */

export interface Sight {
  value: number;
  ids: number[];
  /** Where each number stands among them. */
  at: Map<number, number>;
  code: ArrayLike<number>;
  /** [point][n] */
  x: Float64Array;
}

export function sightOf(value: number, ids: number[], code: ArrayLike<number>, x: Float64Array): Sight {
  return { value, ids, code, x, at: new Map(ids.map((id, i) => [id, i])) };
}

export interface Sign {
  value: number;
  id: number;
  kind: "fold" | "crossing";
  /** Sights on both sides: where the point is on one of them, or on both. */
  before: number;
  after: number;
}

/** What happens between two values: points begin or end (in pairs, at folds), or change their class. */
export function signsOf(sights: readonly Sight[]): Sign[] {
  const out: Sign[] = [];
  for (let k = 1; k < sights.length; k++) {
    const [a, b] = [sights[k - 1], sights[k]];
    const value = (a.value + b.value) / 2;
    a.ids.forEach((id, i) => {
      const j = b.at.get(id);
      if (j === undefined) out.push({ value, id, kind: "fold", before: k - 1, after: -1 });
      else if (a.code[i] !== b.code[j]) out.push({ value, id, kind: "crossing", before: k - 1, after: k });
    });
    for (const id of b.ids) if (!a.at.has(id)) out.push({ value, id, kind: "fold", before: -1, after: k });
  }
  return out;
}

/** Where the point at a place of a sight is along one axis. */
export function along(sight: Sight, i: number, center: ArrayLike<number>, axis: ArrayLike<number>): number {
  const n = center.length;
  let s = 0;
  for (let k = 0; k < n; k++) s += axis[k] * (sight.x[i * n + k] - center[k]);
  return s;
}

/** Values to the right and to the left of the present one, in the order in which they are swept. */
export function gridOf(low: number, high: number, now: number, steps: number): { right: number[]; left: number[] } {
  const h = (high - low) / steps;
  const right: number[] = [];
  const left: number[] = [];
  for (let k = 1; now + k * h < high - h / 4; k++) right.push(now + k * h);
  for (let k = 1; now - k * h > low + h / 4; k++) left.push(now - k * h);
  if (now < high) right.push(high);
  if (now > low) left.push(low);
  return { right, left };
}
