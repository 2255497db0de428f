/**
 * Levenberg–Marquardt by the rules of the package's finder (finder/solvers/newton.py), lane by lane
 * with the same number of iterations. A lane that has ended leaves its slot to the next start.
 */

import type { System } from "./system";

export const RUNNING = 0;
export const CONVERGED = 1;
export const STALLED = 2;
export const MAX_ITERS = 3;
export const DIVERGED = 4;

export interface Limits {
  tolQ: number;
  tolDq: number;
  tolStep: number;
  maxIters: number;
  mayStall: boolean;
  damping: number;
}

export interface Lanes {
  x: Float64Array;
  q: Float64Array;
  /** Length of the last step, undamped where q is tiny. */
  step: Float64Array;
  /** |grad q| / |residual| where the last step began. */
  slope: Float64Array;
  status: Uint8Array;
  iters: Int32Array;
}

const EPS = 2 ** -52;
const TINY = 2.2250738585072014e-308;
const CHECK_EVERY = 5;
const [GOOD, POOR] = [0.75, 0.25];
const [SHRINK, KEEP, GROW, REJECT] = [0.2, 0.5, 2, 4];
const DAMPING_FLOOR = 1e-6;
const FRESH = -1;

export interface Box {
  low: ArrayLike<number>;
  high: ArrayLike<number>;
}

/** Searches from each of `starts` ([count][n]). */
export function search(system: System, starts: Float64Array, box: Box, limits: Limits): Lanes {
  const { n, B, step, xRows } = system;
  const { low, high } = box;
  const V = system.trial;
  const total = starts.length / n;
  const out: Lanes = {
    x: new Float64Array(total * n),
    q: new Float64Array(total),
    step: new Float64Array(total),
    slope: new Float64Array(total),
    status: new Uint8Array(total),
    iters: new Int32Array(total),
  };
  const lane = new Int32Array(B);
  const iters = new Int32Array(B);
  const damping = new Float64Array(B);
  const mark = new Float64Array(B);
  const ridge = new Float64Array(B);
  const length = new Float64Array(B);
  const slope = new Float64Array(B);
  const x = new Float64Array(n * B);
  const move = new Float64Array(n);
  const better = new Uint8Array(B);
  const ended = new Uint8Array(B);
  let next = 0;
  let m = 0;

  const fill = (l: number): void => {
    lane[l] = next;
    iters[l] = FRESH;
    damping[l] = limits.damping;
    mark[l] = Infinity;
    ended[l] = 0;
    for (let i = 0; i < n; i++) x[i * B + l] = Math.min(Math.max(starts[next * n + i], low[i]), high[i]);
    next++;
  };
  const record = (l: number, status: number, q: number): void => {
    const k = lane[l];
    out.status[k] = status;
    out.q[k] = q;
    out.step[k] = length[l];
    out.slope[k] = slope[l];
    out.iters[k] = iters[l];
    for (let i = 0; i < n; i++) out.x[k * n + i] = x[i * B + l];
    ended[l] = 1;
  };
  /** q minus what the linear model expects of the residual after the move. */
  const promised = (l: number): number => {
    let along = 0;
    let clipped = false;
    let down = 0;
    for (let i = 0; i < n; i++) {
      const d = step[i * B + l];
      const g = system.gradient(l, i);
      move[i] = V[xRows[i] * B + l] - x[i * B + l];
      if (Math.abs(move[i] + d) > 1e-3 * Math.abs(d)) clipped = true;
      along += g * move[i];
      down += g * d;
    }
    return clipped ? -along - 0.5 * system.quadratic(l, move) : 0.5 * (down + ridge[l] * length[l] ** 2);
  };

  while (m < B && next < total) fill(m++);
  while (m > 0) {
    for (let l = 0; l < m; l++) {
      const fresh = iters[l] === FRESH;
      ridge[l] = fresh ? 1 : damping[l] * Math.sqrt(2 * system.q[l]) + 8 * ((EPS * system.trace(l)) / n + TINY);
    }
    system.solve(ridge, m);
    length.fill(0, 0, m);
    for (let i = 0; i < n; i++) {
      const at = i * B;
      const to = xRows[i] * B;
      const [least, most] = [low[i], high[i]];
      for (let l = 0; l < m; l++) {
        const d = step[at + l];
        length[l] += d * d;
        const z = x[at + l] - d;
        V[to + l] = z < least ? least : z > most ? most : z;
      }
    }
    for (let l = 0; l < m; l++) {
      length[l] = Math.sqrt(length[l]);
      if (iters[l] === FRESH) for (let i = 0; i < n; i++) V[xRows[i] * B + l] = x[i * B + l];
    }
    system.evaluate(m);
    let all = true;
    let some = false;
    for (let l = 0; l < m; l++) {
      const q = system.q[l];
      const q2 = system.qTrial[l];
      if (iters[l] === FRESH) {
        iters[l] = 0;
        better[l] = 1;
        if (Number.isFinite(q2)) continue;
        iters[l] = 1;
        length[l] = slope[l] = NaN;
        record(l, DIVERGED, q2);
        some = true;
        continue;
      }
      let g2 = 0;
      for (let i = 0; i < n; i++) g2 += system.gradient(l, i) ** 2;
      slope[l] = Math.sqrt(g2) / Math.max(Math.sqrt(2 * q), TINY);
      const down = q2 < q;
      better[l] = down ? 1 : 0;
      all &&= down;
      const gain = (q - q2) / Math.max(promised(l), TINY);
      damping[l] = Math.max(damping[l] * (down ? (gain > GOOD ? SHRINK : gain < POOR ? GROW : KEEP) : REJECT), DAMPING_FLOOR);
      const it = ++iters[l];
      const now = down ? q2 : q;
      const check = it % CHECK_EVERY === 0;
      let status = RUNNING;
      if (!Number.isFinite(q)) status = DIVERGED;
      else if ((q <= limits.tolQ && length[l] <= limits.tolStep) || q === 0 || (down && q - q2 <= limits.tolDq && q <= limits.tolQ)) status = CONVERGED;
      else if (check && limits.mayStall && now > 0.5 * mark[l] && it > 1) status = STALLED;
      else if (it >= limits.maxIters) status = MAX_ITERS;
      if (check) mark[l] = now;
      if (status !== RUNNING) {
        if (down) for (let i = 0; i < n; i++) x[i * B + l] = V[xRows[i] * B + l];
        record(l, status, now);
        some = true;
      }
    }
    for (let i = 0; i < n; i++) {
      const at = i * B;
      const from = xRows[i] * B;
      for (let l = 0; l < m; l++) if (better[l]) x[at + l] = V[from + l];
    }
    if (all) system.acceptAll(m);
    else for (let l = 0; l < m; l++) if (better[l]) system.accept(l);
    if (!some) continue;
    for (let l = 0; l < m; l++) {
      while (l < m && ended[l]) {
        if (next < total) fill(l);
        else {
          m--;
          if (l === m) break;
          system.relocate(m, l);
          lane[l] = lane[m];
          iters[l] = iters[m];
          damping[l] = damping[m];
          mark[l] = mark[m];
          ended[l] = ended[m];
          for (let i = 0; i < n; i++) x[i * B + l] = x[i * B + m];
        }
      }
    }
  }
  return out;
}
