/**
 * Fixed points while the input moves: each known point is followed, births are looked for.
 *
 * Following alone loses points. So every frame has a few more starts: the places where points
 * vanished lately ("ghosts"), fresh ones, and some on segments between known points; and whenever
 * the sum of the indices is not the expected one, or the hand rests, a full search.
 */

import { eigenvector } from "./eigen";
import { type Grade, assess } from "./grade";
import { luInPlace, luSolve } from "./linear";
import { Random, near, unique } from "./points";
import { FIXED, type Options, type Points, type Solver } from "./solver";

export interface Frame extends Points {
  /** Number of each point; it keeps it while it lives. */
  ids: number[];
  /** 1 under an input with an invariant box, else null: what the sum of the indices must be. */
  expectedSum: number | null;
  grade: Grade;
  /** How many lanes ran, and how many of them ended in fixed points. */
  starts: number;
  fixed: number;
  /** Whether this was a full search. */
  full: boolean;
}

export interface Mode {
  point: number;
  value: { re: number; im: number };
  /** Real part of the eigenvector, of unit length as a whole. */
  vector: Float64Array;
}

const MAX_GHOSTS = 24;
const FRESH = 64;
const SEGMENTS = 64;
const SUBSTEPS = 8;
const SEGMENT_STARTS = 256;
const MAX_ROUNDS = 4;
/** Points nearer to a side of the box than this share of its width may have another index. */
const TOUCHING = 1e-12;

export class Follower {
  private x: Float64Array = new Float64Array(0);
  private ids: number[] = [];
  private next = 0;
  private ghosts: Float64Array[] = [];
  private readonly random: Random;
  private pool: Float64Array = new Float64Array(0);
  private noise = 0;
  options: Partial<Options> = {};

  constructor(
    readonly solver: Solver,
    seed = 0,
  ) {
    this.random = new Random(seed);
  }

  /** States to start from, each time with noise added; as a rule those of trajectories. */
  setStarts(states: Float64Array, noise: number): void {
    this.pool = states;
    this.noise = noise;
  }

  /** Takes over points found elsewhere: their numbers are their places. */
  adopt(x: Float64Array): void {
    this.x = Float64Array.from(x);
    this.ids = Array.from({ length: x.length / this.solver.n }, (_, i) => i);
    this.next = this.ids.length;
    this.ghosts = [];
  }

  get known(): { x: Float64Array; ids: readonly number[] } {
    return { x: this.x, ids: this.ids };
  }

  /** Moves to another input, and returns the points there. */
  follow(u: ArrayLike<number>, parameters?: ArrayLike<number>, extra = FRESH): Frame {
    const { solver } = this;
    const n = solver.n;
    const from = Float64Array.from(solver.input);
    const predicted = this.predict(u, parameters);
    const starts = this.joined([predicted, ...this.ghosts, this.fresh(extra), this.segments(SEGMENTS)]);
    const found = solver.solve(starts, this.options);
    const seats = this.seats(found, predicted);
    // Whoever lost its point is followed again in small steps: it may have jumped onto another's.
    const lost = this.ids.map((_, k) => k).filter((k) => !seats.includes(k));
    let frame = this.framed(found, seats);
    if (lost.length) {
      const again = this.slowly(lost, from, u, parameters);
      if (again.length) {
        const merged = this.merged(frame, again);
        if (merged.count > frame.count) frame = this.keepNumbers(frame, merged, lost);
      }
    }
    this.remember(frame, lost, n);
    if (this.doubtful(frame)) return this.search(0);
    return frame;
  }

  /**
   * A search from `count` fresh starts and the known points, then on segments until the sum of the
   * indices is right; a plain one makes the fresh starts and nothing else.
   */
  search(count: number, u?: ArrayLike<number>, parameters?: ArrayLike<number>, plain = false): Frame {
    const { solver } = this;
    if (u) solver.setInput(u, parameters);
    const old = { x: this.x, ids: [...this.ids] };
    const fresh = this.fresh(count || 2 * SEGMENT_STARTS);
    let starts = plain ? fresh : this.joined([this.x, ...this.ghosts, fresh]);
    let total = 0;
    let fixed = 0;
    let points = solver.describe(new Float64Array(0), this.options);
    for (let round = 0; round <= MAX_ROUNDS; round++) {
      const found = solver.solve(starts, this.options);
      total += found.kind.length;
      fixed += found.kind.filter((k) => k === FIXED).length;
      const before = points.count;
      points = before ? this.merged(points, found.x) : found;
      const expected = this.expected(points);
      const settled = expected !== null ? points.indexSum === expected : round >= 1 && points.count === before;
      this.x = points.x;
      this.ids = Array.from({ length: points.count }, (_, i) => i);
      if (plain || settled || points.count < 2) break;
      starts = this.segments(SEGMENT_STARTS);
    }
    const frame = this.numbered(points, old, total, fixed);
    this.remember(frame, [], solver.n);
    return frame;
  }

  /** The unstable modes of all points, as directions in state space. */
  modes(frame: Points, most = 3): Mode[] {
    const { solver } = this;
    const n = solver.n;
    const out: Mode[] = [];
    for (let point = 0; point < frame.count; point++) {
      const J = frame.J.subarray(point * n * n, (point + 1) * n * n);
      let taken = 0;
      for (const value of frame.eigenvalues[point].slice(0, frame.unstable[point])) {
        if (value.im < 0) continue;
        if (++taken > most) break;
        out.push({ point, value, vector: eigenvector(J, n, value).re });
      }
    }
    return out;
  }

  /** Where the known points are expected under another input: x + (I - J)⁻¹ K du; the input is set. */
  private predict(u: ArrayLike<number>, parameters?: ArrayLike<number>): Float64Array {
    const { solver, x } = this;
    const n = solver.n;
    const before = Float64Array.from(solver.input);
    const at = solver.describe(x, this.options);
    solver.setInput(u, parameters);
    const change = solver.input.map((v, k) => v - before[k]);
    const out = Float64Array.from(x);
    const w = change.length;
    for (let p = 0; p < at.count; p++) {
      if (at.index[p] === 0) continue;
      const A = new Float64Array(n * n);
      for (let k = 0; k < n * n; k++) A[k] = (!solver.program.continuous && k % (n + 1) === 0 ? 1 : 0) - at.J[p * n * n + k];
      const { order } = luInPlace(A, n);
      const b = new Float64Array(n);
      for (let i = 0; i < n; i++) for (let k = 0; k < w; k++) b[i] += at.K[(p * n + i) * w + k] * change[k];
      const move = luSolve(A, order, b, n);
      // Near a fold the tangent leads far away: then the place itself is the better guess.
      let size = 0;
      for (const m of move) size += m * m;
      if (size < 0.25) for (let i = 0; i < n; i++) out[p * n + i] += move[i];
    }
    return out;
  }

  /** For each point found the number (place among the known) that it inherits, or -1. */
  private seats(found: Points & { label: Int32Array }, predicted: Float64Array): number[] {
    const n = this.solver.n;
    const seats = new Array<number>(found.count).fill(-1);
    const distance = new Array<number>(found.count).fill(Infinity);
    for (let k = 0; k < this.ids.length; k++) {
      const p = found.label[k];
      if (p < 0) continue;
      let d = 0;
      for (let i = 0; i < n; i++) d += (found.x[p * n + i] - predicted[k * n + i]) ** 2;
      if (d >= distance[p]) continue;
      distance[p] = d;
      seats[p] = k;
    }
    return seats;
  }

  private framed(found: Points & { kind: Uint8Array }, seats: readonly number[]): Frame {
    const numbers = seats.map((k) => (k < 0 ? this.next++ : this.ids[k]));
    return this.sorted(found, numbers, found.kind.length, found.kind.filter((k) => k === FIXED).length, false);
  }

  /** Follows single points in small steps of the input; returns where they arrived, as fixed points. */
  private slowly(lost: readonly number[], from: Float64Array, u: ArrayLike<number>, parameters?: ArrayLike<number>): Float64Array {
    const { solver } = this;
    const n = solver.n;
    const m = solver.program.nInputs;
    const to = Float64Array.from(solver.input);
    let x: Float64Array = this.joined(lost.map((k) => this.x.subarray(k * n, k * n + n)));
    for (let s = 1; s <= SUBSTEPS; s++) {
      const between = from.map((v, k) => v + ((to[k] - v) * s) / SUBSTEPS);
      solver.setInput(between.subarray(0, m), between.subarray(m));
      const lanes = solver.search(x, this.options);
      const kind = solver.judge(lanes, this.options);
      const parts: Float64Array[] = [];
      kind.forEach((k, i) => {
        if (k === FIXED) parts.push(lanes.x.subarray(i * n, i * n + n));
      });
      x = this.joined(parts);
      if (!parts.length) break;
    }
    solver.setInput(u, parameters);
    return x;
  }

  /** All points of one set and those of another that are not among them. */
  private merged(points: Points, more: Float64Array): Points {
    const { solver } = this;
    const n = solver.n;
    const tol = this.options.tolUnique ?? 1e-3;
    const all = this.joined([points.x, more]);
    const total = all.length / n;
    // The known ones first: they stay as they are.
    const rank = Float64Array.from({ length: total }, (_, i) => i);
    const { chosen } = unique(all, rank, Array.from({ length: total }, (_, i) => i), n, tol);
    if (chosen.length === points.count) return points;
    return solver.describe(this.joined(chosen.map((k) => all.subarray(k * n, k * n + n))), this.options);
  }

  /** Gives points that were found again in small steps the numbers they had. */
  private keepNumbers(frame: Frame, merged: Points, lost: readonly number[]): Frame {
    const n = this.solver.n;
    const waiting = [...lost];
    const numbers = Array.from({ length: merged.count }, (_, i) => {
      if (i < frame.count) return frame.ids[i];
      let best = -1;
      let least = Infinity;
      waiting.forEach((k, w) => {
        let d = 0;
        for (let j = 0; j < n; j++) d += (merged.x[i * n + j] - this.x[k * n + j]) ** 2;
        if (d < least) [best, least] = [w, d];
      });
      return best < 0 ? this.next++ : this.ids[waiting.splice(best, 1)[0]];
    });
    return this.sorted(merged, numbers, frame.starts, frame.fixed, false);
  }

  /** Gives points that were there before their numbers again, the nearest pairs first. */
  private numbered(points: Points, old: { x: Float64Array; ids: number[] }, starts: number, fixed: number): Frame {
    const n = this.solver.n;
    const pairs: [number, number, number][] = [];
    for (let i = 0; i < points.count; i++)
      for (let k = 0; k < old.ids.length; k++) {
        let d = 0;
        for (let j = 0; j < n; j++) d += (points.x[i * n + j] - old.x[k * n + j]) ** 2;
        if (d < 0.01) pairs.push([d, i, k]);
      }
    pairs.sort((a, b) => a[0] - b[0]);
    const numbers = new Array<number>(points.count).fill(-1);
    const used = new Set<number>();
    for (const [, i, k] of pairs) {
      if (numbers[i] >= 0 || used.has(k)) continue;
      numbers[i] = old.ids[k];
      used.add(k);
    }
    return this.sorted(
      points,
      numbers.map((id) => (id < 0 ? this.next++ : id)),
      starts,
      fixed,
      true,
    );
  }

  private sorted(points: Points, numbers: readonly number[], starts: number, fixed: number, full: boolean): Frame {
    const { n, program } = this.solver;
    const order = numbers.map((_, i) => i).sort((a, b) => numbers[a] - numbers[b]);
    const rows = (a: Float64Array, w: number): Float64Array => this.joined(order.map((i) => a.subarray(i * w, (i + 1) * w)));
    const w = program.nInputs + program.parameters.length;
    const out = {
      count: points.count,
      x: rows(points.x, n),
      q: rows(points.q, 1),
      F: rows(points.F, n),
      J: rows(points.J, n * n),
      K: rows(points.K, n * w),
      Y: rows(points.Y, program.nOutputs),
      eigenvalues: order.map((i) => points.eigenvalues[i]),
      unstable: Int32Array.from(order, (i) => points.unstable[i]),
      code: Uint8Array.from(order, (i) => points.code[i]),
      index: Int8Array.from(order, (i) => points.index[i]),
      indexSum: points.indexSum,
      ids: order.map((i) => numbers[i]),
      starts,
      fixed,
      full,
    };
    return { ...out, expectedSum: this.solver.boxed ? 1 : null, grade: this.graded(out) };
  }

  private graded(points: Points): Grade {
    const expected = this.solver.boxed ? 1 : null;
    const undecided = points.count > 0 && expected !== null && this.expected(points) === null;
    return assess({
      hits: new Array<number>(points.count).fill(0), // no curve was followed here
      idleCurves: 0,
      indexSum: undecided ? null : points.indexSum,
      expectedSum: expected,
      uncertified: points.index.filter((i) => i !== 0).length,
      runsToUnknown: 0,
    });
  }

  /** The sum of the indices that must be, or null where it decides nothing. */
  private expected(points: Points): number | null {
    const { box, boxed, n } = this.solver;
    if (!boxed || points.index.some((i) => i === 0)) return null;
    for (let p = 0; p < points.count; p++)
      for (let i = 0; i < n; i++) {
        const x = points.x[p * n + i];
        if (Math.min(x - box.low[i], box.high[i] - x) <= TOUCHING * (box.high[i] - box.low[i])) return null;
      }
    return 1;
  }

  private doubtful(frame: Frame): boolean {
    const expected = this.expected(frame);
    return expected !== null && frame.indexSum !== expected;
  }

  private remember(frame: Frame, lost: readonly number[], n: number): void {
    for (const k of lost) {
      if (!frame.ids.includes(this.ids[k])) this.ghosts.unshift(this.x.slice(k * n, k * n + n));
    }
    const tol = this.options.tolUnique ?? 1e-3;
    const kept: Float64Array[] = [];
    for (const g of this.ghosts) {
      if (kept.length < MAX_GHOSTS && !kept.some((k) => near(k, 0, g, 0, n, 10 * tol))) kept.push(g);
    }
    this.ghosts = kept;
    this.x = frame.x;
    this.ids = [...frame.ids];
  }

  private fresh(count: number): Float64Array {
    const { n, box } = this.solver;
    const from = this.pool.length ? this.pool : this.x;
    const many = from.length / n;
    const out = new Float64Array(count * n);
    for (let c = 0; c < count; c++) {
      const k = many ? this.random.below(many) : 0;
      for (let i = 0; i < n; i++) {
        const size = this.noise || 0.4;
        const inBox = Number.isFinite(box.low[i]) && !many;
        out[c * n + i] = inBox
          ? box.low[i] + (box.high[i] - box.low[i]) * this.random.uniform()
          : (many ? from[k * n + i] : 0) + size * this.random.normal();
      }
    }
    return out;
  }

  private segments(count: number): Float64Array {
    const n = this.solver.n;
    const many = this.ids.length;
    if (many < 2) return new Float64Array(0);
    const out = new Float64Array(count * n);
    for (let c = 0; c < count; c++) {
      const a = this.random.below(many);
      const b = (a + 1 + this.random.below(many - 1)) % many;
      const t = 1.4 * this.random.uniform() - 0.2;
      for (let i = 0; i < n; i++) out[c * n + i] = this.x[a * n + i] * (1 - t) + this.x[b * n + i] * t + 0.02 * this.random.normal();
    }
    return out;
  }

  private joined(parts: readonly Float64Array[]): Float64Array {
    const out = new Float64Array(parts.reduce((s, p) => s + p.length, 0));
    let at = 0;
    for (const p of parts) {
      out.set(p, at);
      at += p.length;
    }
    return out;
  }
}
