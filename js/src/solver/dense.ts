/** The system of a network with more units: its matrices in loops, lane by lane. */

import type { Machine } from "./machine";
import type { Residual } from "./small";
import type { System } from "./system";

/** AᵀA, its lower triangle, four rows of A at a time. */
export function gramInto(G: Float64Array, A: Float64Array, n: number): void {
  G.fill(0);
  let k = 0;
  for (; k + 4 <= n; k += 4) {
    const a = k * n;
    const b = a + n;
    const c = b + n;
    const d = c + n;
    for (let i = 0; i < n; i++) {
      const [p, q, r, s] = [A[a + i], A[b + i], A[c + i], A[d + i]];
      const row = i * n;
      for (let j = 0; j <= i; j++) G[row + j] += p * A[a + j] + q * A[b + j] + r * A[c + j] + s * A[d + j];
    }
  }
  for (; k < n; k++) {
    const a = k * n;
    for (let i = 0; i < n; i++) {
      const p = A[a + i];
      const row = i * n;
      for (let j = 0; j <= i; j++) G[row + j] += p * A[a + j];
    }
  }
}

/** Solves (G + ridge I) x = b for a symmetric G given by its lower triangle; NaN where it is not positive. */
export function choleskySolve(G: Float64Array, ridge: number, b: Float64Array, n: number, L: Float64Array): void {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j < i; j++) {
      let s = G[row + j];
      const other = j * n;
      for (let k = 0; k < j; k++) s -= L[row + k] * L[other + k];
      L[row + j] = s * L[other + j];
    }
    let s = G[row + i] + ridge;
    for (let k = 0; k < i; k++) s -= L[row + k] * L[row + k];
    L[row + i] = 1 / Math.sqrt(s); // the inverse, for that is what is needed
  }
  for (let i = 0; i < n; i++) {
    let s = b[i];
    for (let k = 0; k < i; k++) s -= L[i * n + k] * b[k];
    b[i] = s * L[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    b[i] *= L[i * n + i];
    for (let k = 0; k < i; k++) b[k] -= L[i * n + k] * b[i];
  }
}

export function denseSystem(machine: Machine, x: readonly number[], { r, A }: Residual): System & { attach(): void } {
  const { B } = machine;
  const n = x.length;
  const evaluation = machine.compile([...r, ...A]);
  const xRows = x.map((id) => machine.rowOf(id));
  // Each lane has two blocks, of the current and of the trial point, which change places.
  const gram = Array.from({ length: 2 * B }, () => new Float64Array(n * n));
  const grad = Array.from({ length: 2 * B }, () => new Float64Array(n));
  const current = Int32Array.from({ length: B }, (_, l) => l);
  const other = Int32Array.from({ length: B }, (_, l) => B + l);
  const matrix = new Float64Array(n * n);
  const factor = new Float64Array(n * n);
  const side = new Float64Array(n);
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
      const G = gram[current[l]];
      let t = 0;
      for (let i = 0; i < n; i++) t += G[i * n + i];
      return t;
    },
    solve(ridge: Float64Array, m: number): void {
      for (let l = 0; l < m; l++) {
        side.set(grad[current[l]]);
        choleskySolve(gram[current[l]], ridge[l], side, n, factor);
        for (let i = 0; i < n; i++) system.step[i * B + l] = side[i];
      }
    },
    evaluate(m: number): void {
      machine.run(evaluation.tape, m);
      const { V } = machine;
      const { rows } = evaluation;
      for (let l = 0; l < m; l++) {
        let q = 0;
        for (let i = 0; i < n; i++) q += V[rows[i] * B + l] ** 2;
        system.qTrial[l] = 0.5 * q;
        for (let k = 0; k < n * n; k++) matrix[k] = V[rows[n + k] * B + l];
        gramInto(gram[other[l]], matrix, n);
        const g = grad[other[l]];
        g.fill(0);
        for (let i = 0; i < n; i++) {
          const s = V[rows[i] * B + l];
          for (let j = 0; j < n; j++) g[j] += s * matrix[i * n + j];
        }
      }
    },
    gradient: (l: number, i: number): number => grad[current[l]][i],
    quadratic(l: number, move: Float64Array): number {
      const G = gram[current[l]];
      let sum = 0;
      for (let i = 0; i < n; i++) {
        let s = 0.5 * G[i * n + i] * move[i];
        for (let j = 0; j < i; j++) s += G[i * n + j] * move[j];
        sum += 2 * s * move[i];
      }
      return sum;
    },
    accept(l: number): void {
      system.q[l] = system.qTrial[l];
      [current[l], other[l]] = [other[l], current[l]];
    },
    acceptAll(m: number): void {
      for (let l = 0; l < m; l++) system.accept(l);
    },
    relocate(from: number, to: number): void {
      system.q[to] = system.q[from];
      [current[from], current[to]] = [current[to], current[from]];
    },
  };
  return system;
}
