/** The system of a small network: normal matrix and its Cholesky factor written out, entry by entry, for all lanes at once. */

import { CODE, LANE } from "./graph";
import type { Machine } from "./machine";
import type { System } from "./system";

/** Above it the tapes become too long to load: loops do it then (`dense.ts`). */
export const LARGEST_UNROLLED = 48;

export interface Residual {
  /** F(x) - x of a map, f(x) of a flow. */
  r: number[];
  /** Its Jacobian, row by row. */
  A: number[];
}

/** An order of elimination in which few entries fill up: the smallest degree first. */
export function minimumDegree(n: number, has: (i: number, j: number) => boolean): number[] {
  const near = Array.from({ length: n }, (_, i) => new Set(Array.from({ length: n }, (_, j) => j).filter((j) => j !== i && has(i, j))));
  const left = new Set(near.keys());
  const order: number[] = [];
  while (left.size) {
    let best = -1;
    for (const i of left) if (best < 0 || near[i].size < near[best].size) best = i;
    order.push(best);
    left.delete(best);
    for (const a of near[best]) {
      near[a].delete(best);
      for (const b of near[best]) if (a !== b) near[a].add(b);
    }
  }
  return order;
}

/** Compiles the tapes; the arrays are there once `machine.finish()` was called and `attach()` after it. */
export function smallSystem(machine: Machine, x: readonly number[], { r, A }: Residual): System & { attach(): void } {
  const { graph: g, B } = machine;
  const n = x.length;
  const column = (j: number): number[] => r.map((_, i) => A[i * n + j]);
  const columns = r.map((_, j) => column(j));
  const paired = (a: readonly number[], b: readonly number[]): number[] => a.flatMap((e, k) => [e, b[k]]);
  const q = g.binary(CODE.mul, g.constant(0.5), g.mac(paired(r, r)));
  const gradient = columns.map((c) => g.mac(paired(c, r)));
  // Only entries that are not zero by structure are there.
  const ij: [number, number][] = [];
  const gram: number[] = [];
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const e = g.mac(paired(columns[i], columns[j]));
      if (g.is(e, 0)) continue;
      ij.push([i, j]);
      gram.push(e);
    }
  const diagonal = ij.flatMap(([i, j], k) => (i === j ? [k] : []));
  const evaluation = machine.compile([q, ...gradient, ...gram]);
  const current = machine.inputs(evaluation.rows.length);
  const [ridge] = machine.inputs(1);
  const entries = new Map(ij.map(([i, j], k) => [i * n + j, current[1 + n + k]]));
  const zero = g.constant(0);
  const entry = (i: number, j: number): number => entries.get(Math.max(i, j) * n + Math.min(i, j)) ?? zero;

  const order = minimumDegree(n, (i, j) => entry(i, j) !== zero);
  const L = new Map<number, number>();
  const at = (i: number, j: number): number => L.get(i * n + j) ?? zero;
  const inverse: number[] = [];
  for (let j = 0; j < n; j++) {
    const squares: number[] = [];
    for (let k = 0; k < j; k++) squares.push(at(j, k), at(j, k));
    inverse[j] = g.unary(CODE.rsqrt, g.mac(squares, g.binary(CODE.add, entry(order[j], order[j]), ridge), true));
    for (let i = j + 1; i < n; i++) {
      const pairs: number[] = [];
      for (let k = 0; k < j; k++) pairs.push(at(i, k), at(j, k));
      const e = g.mac(pairs, entry(order[i], order[j]), true);
      if (!g.is(e, 0)) L.set(i * n + j, g.binary(CODE.mul, e, inverse[j]));
    }
  }
  const y: number[] = [];
  for (let i = 0; i < n; i++) {
    const pairs: number[] = [];
    for (let k = 0; k < i; k++) pairs.push(at(i, k), y[k]);
    y[i] = g.binary(CODE.mul, g.mac(pairs, current[1 + order[i]], true), inverse[i]);
  }
  const z: number[] = [];
  for (let i = n - 1; i >= 0; i--) {
    const pairs: number[] = [];
    for (let k = i + 1; k < n; k++) pairs.push(at(k, i), z[k]);
    z[i] = g.binary(CODE.mul, g.mac(pairs, y[i], true), inverse[i]);
  }
  const steps = new Array<number>(n);
  order.forEach((o, i) => (steps[o] = z[i]));
  const solution = machine.compile(steps);
  const rows = current.map((id) => machine.rowOf(id));
  const ridgeRow = machine.rowOf(ridge);
  const trialRows = evaluation.rows;
  const xRows = x.map((id) => machine.rowOf(id));
  if (xRows.length !== n || g.level[x[0]] !== LANE) throw new Error("the state is no input");

  const system = {
    n,
    B,
    q: new Float64Array(B),
    qTrial: new Float64Array(B),
    trial: machine.V,
    xRows,
    step: new Float64Array(n * B),
    attach(): void {
      system.trial = machine.V;
    },
    trace(l: number): number {
      let t = 0;
      for (const k of diagonal) t += machine.V[rows[1 + n + k] * B + l];
      return t;
    },
    solve(ridges: Float64Array, m: number): void {
      machine.V.set(ridges.subarray(0, m), ridgeRow * B);
      machine.run(solution.tape, m);
      for (let i = 0; i < n; i++) {
        const from = solution.rows[i] * B;
        system.step.set(machine.V.subarray(from, from + m), i * B);
      }
    },
    evaluate(m: number): void {
      machine.run(evaluation.tape, m);
      const from = trialRows[0] * B;
      system.qTrial.set(machine.V.subarray(from, from + m));
    },
    gradient: (l: number, i: number): number => machine.V[rows[1 + i] * B + l],
    quadratic(l: number, move: Float64Array): number {
      let sum = 0;
      for (let k = 0; k < ij.length; k++) {
        const [i, j] = ij[k];
        const p = machine.V[rows[1 + n + k] * B + l] * move[i] * move[j];
        sum += i === j ? p : 2 * p;
      }
      return sum;
    },
    accept(l: number): void {
      const { V } = machine;
      system.q[l] = system.qTrial[l];
      for (let k = 0; k < rows.length; k++) V[rows[k] * B + l] = V[trialRows[k] * B + l];
    },
    acceptAll(m: number): void {
      const { V } = machine;
      system.q.set(system.qTrial.subarray(0, m));
      for (let k = 0; k < rows.length; k++) V.copyWithin(rows[k] * B, trialRows[k] * B, trialRows[k] * B + m);
    },
    relocate(from: number, to: number): void {
      const { V } = machine;
      system.q[to] = system.q[from];
      for (const row of rows) V[row * B + to] = V[row * B + from];
    },
  };
  return system;
}
