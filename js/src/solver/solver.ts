/** A network from its program: searches, runs and linearizes it under an input that can be moved. */

import { denseSystem } from "./dense";
import { eigenvalues, leadingFirst, type Complex } from "./eigen";
import { type Program, parse } from "./format";
import { CODE } from "./graph";
import { index as indexOf } from "./linear";
import { lower } from "./lower";
import { Machine } from "./machine";
import { type Box, CONVERGED, type Lanes, type Limits, search } from "./newton";
import { unique } from "./points";
import { LARGEST_UNROLLED, smallSystem } from "./small";
import type { System } from "./system";

export interface Options {
  tolQ: number;
  tolDq: number;
  tolUnique: number;
  tolSlope: number;
  maxIters: number;
  marginalTol: number;
}

export const DEFAULTS: Options = { tolQ: 1e-12, tolDq: 1e-20, tolUnique: 1e-3, tolSlope: 1e-2, maxIters: 5000, marginalTol: 1e-6 };

export const FIXED = 0;
export const SLOW = 1;
export const UNCONVERGED = 2;

/** As the package counts them: stable, saddle, unstable, marginal. */
export type ClassCode = 0 | 1 | 2 | 3 | 4;

export interface Points {
  count: number;
  /** [count][n] */
  x: Float64Array;
  q: Float64Array;
  /** Next states (derivatives of a flow), [count][n]. */
  F: Float64Array;
  /** [count][n][n] and [count][n][inputs and parameters] */
  J: Float64Array;
  K: Float64Array;
  Y: Float64Array;
  eigenvalues: Complex[][];
  unstable: Int32Array;
  code: Uint8Array;
  index: Int8Array;
  indexSum: number;
}

const INITIAL_DAMPING = 0.3;
const EPS = { float64: 2 ** -52, float32: 2 ** -23 };

export class Solver {
  readonly program: Program;
  readonly n: number;
  private readonly machine: Machine;
  private readonly system: System;
  private readonly x: number[];
  private readonly v: number[];
  private readonly lin: { tape: Int32Array; rows: number[] };
  private readonly fwd: { tape: Int32Array; rows: number[] };
  private readonly sides: { low: number[]; high: number[] } | null;
  private values: Float64Array;
  box: Box;
  /** Whether an invariant box is known under the present input. */
  boxed = false;

  constructor(program: unknown) {
    const p = (this.program = parse(program));
    const n = (this.n = p.nStates);
    const small = n <= LARGEST_UNROLLED;
    const machine = (this.machine = new Machine(small ? 64 : 16));
    const g = machine.graph;
    const x = (this.x = machine.inputs(n));
    this.v = machine.uniform(p.nInputs + p.parameters.length);
    const out = lower(p, g, x, this.v);
    const map = !p.continuous;
    const r = out.F.map((f, i) => (map ? g.binary(CODE.sub, f, x[i]) : f));
    const one = g.constant(1);
    const A = out.J.map((a, k) => (map && k % (n + 1) === 0 ? g.binary(CODE.sub, a, one) : a));
    const system = small ? smallSystem(machine, x, { r, A }) : denseSystem(machine, x, { r, A });
    this.lin = machine.compile([...out.F, ...out.J, ...out.K, ...out.Y]);
    this.fwd = machine.compile(out.F);
    this.sides = out.low ? { low: out.low.map((i) => machine.placeOf(i)), high: out.high.map((i) => machine.placeOf(i)) } : null;
    machine.finish();
    system.attach();
    this.system = system;
    this.box = { low: [], high: [] };
    this.values = new Float64Array(0);
    this.setInput(new Float64Array(p.nInputs));
  }

  /** Sets the input, and the open parameters (those of the program where they are not given). */
  setInput(u: ArrayLike<number>, parameters?: ArrayLike<number>): void {
    const { program: p, n, machine } = this;
    const values = new Float64Array(this.v.length);
    for (let i = 0; i < p.nInputs; i++) values[i] = u[i] ?? 0;
    p.parameters.forEach((q, k) => (values[p.nInputs + k] = parameters?.[k] ?? q.value));
    this.values = values;
    machine.setUniform(this.v, values);
    let low = new Float64Array(n).fill(-Infinity);
    let high = new Float64Array(n).fill(Infinity);
    this.boxed = false;
    if (this.sides) {
      low = Float64Array.from(this.sides.low, (k) => machine.S[k]);
      high = Float64Array.from(this.sides.high, (k) => machine.S[k]);
      this.boxed = low.every((e, i) => e <= high[i]) && [...low, ...high].every(Number.isFinite);
      if (!low.every((e, i) => e <= high[i])) {
        low.fill(-Infinity);
        high.fill(Infinity);
      }
    } else if (p.fixedBox) {
      const same = p.fixedBox.u.every((e, i) => e === values[i]) && p.parameters.every((q, k) => values[p.nInputs + k] === q.value);
      if (same) {
        low = Float64Array.from(p.fixedBox.low);
        high = Float64Array.from(p.fixedBox.high);
        this.boxed = true;
      }
    }
    this.box = { low, high };
  }

  get input(): Float64Array {
    return this.values;
  }

  /** q that rounding leaves: none smaller is asked for. */
  floor(size = 1): number {
    return this.n * (EPS[this.program.precision] * Math.max(size, 1)) ** 2;
  }

  private limits(o: Options, damping: number, maxIters: number): Limits {
    return {
      tolQ: Math.max(o.tolQ, this.floor()),
      tolDq: o.tolDq,
      tolStep: Math.max(0.01 * Math.min(o.tolUnique, 1e-3), EPS.float64 ** 0.75),
      maxIters,
      mayStall: true,
      damping,
    };
  }

  /** One lane for each start ([count][n]). Lanes with a small q get their undamped step measured. */
  search(starts: Float64Array, options: Partial<Options> = {}): Lanes {
    const { n } = this;
    const o = { ...DEFAULTS, ...options };
    const lanes = search(this.system, starts, this.box, this.limits(o, INITIAL_DAMPING, o.maxIters));
    const probe: number[] = [];
    for (let k = 0; k < lanes.q.length; k++)
      if (lanes.q[k] <= this.smallQ(lanes, k, o) && (lanes.status[k] !== CONVERGED || lanes.slope[k] <= o.tolSlope)) probe.push(k);
    if (probe.length) {
      const from = new Float64Array(probe.length * n);
      probe.forEach((k, i) => from.set(lanes.x.subarray(k * n, k * n + n), i * n));
      const measured = search(this.system, from, this.box, this.limits(o, 0, 1));
      probe.forEach((k, i) => {
        lanes.step[k] = measured.step[i];
        lanes.slope[k] = measured.slope[i];
      });
    }
    return lanes;
  }

  /** Fixed, slow or neither, by the tests of the package. */
  judge(lanes: Lanes, options: Partial<Options> = {}): Uint8Array {
    const { n, box } = this;
    const o = { ...DEFAULTS, ...options };
    return Uint8Array.from(lanes.q, (q, k) => {
      let inside = Number.isFinite(q);
      for (let i = 0; i < n && inside; i++) {
        const x = lanes.x[k * n + i];
        inside = x >= box.low[i] - o.tolUnique && x <= box.high[i] + o.tolUnique;
      }
      if (!inside) return UNCONVERGED;
      const small = q <= this.smallQ(lanes, k, o);
      if (small && lanes.step[k] <= o.tolUnique) return FIXED;
      return small || lanes.slope[k] <= o.tolSlope ? SLOW : UNCONVERGED;
    });
  }

  /** Search, judge, and keep one of each. */
  solve(starts: Float64Array, options: Partial<Options> = {}): Points & { lanes: Lanes; kind: Uint8Array; label: Int32Array } {
    const o = { ...DEFAULTS, ...options };
    const lanes = this.search(starts, o);
    const kind = this.judge(lanes, o);
    const fixed: number[] = [];
    kind.forEach((k, i) => k === FIXED && fixed.push(i));
    const { chosen, label } = unique(lanes.x, lanes.q, fixed, this.n, o.tolUnique);
    const x = new Float64Array(chosen.length * this.n);
    chosen.forEach((k, i) => x.set(lanes.x.subarray(k * this.n, (k + 1) * this.n), i * this.n));
    return { ...this.describe(x, o), lanes, kind, label };
  }

  /** Step, Jacobians and readout at some states, with what follows from them. */
  describe(x: Float64Array, options: Partial<Options> = {}): Points {
    const { n, program: p, machine } = this;
    const { B, V } = machine;
    const marginal = options.marginalTol ?? DEFAULTS.marginalTol;
    const count = x.length / n;
    const w = this.v.length;
    const parts = [new Float64Array(count * n), new Float64Array(count * n * n), new Float64Array(count * n * w), new Float64Array(count * p.nOutputs)];
    const sizes = [n, n * n, n * w, p.nOutputs];
    for (let s = 0; s < count; s += B) {
      const m = Math.min(B, count - s);
      this.load(x, s, m);
      machine.run(this.lin.tape, m);
      let at = 0;
      parts.forEach((part, i) => {
        for (let k = 0; k < sizes[i]; k++, at++) {
          const row = this.lin.rows[at] * B;
          for (let l = 0; l < m; l++) part[(s + l) * sizes[i] + k] = V[row + l];
        }
      });
    }
    const [F, J, K, Y] = parts;
    const values: Complex[][] = [];
    const unstable = new Int32Array(count);
    const code = new Uint8Array(count);
    const index = new Int8Array(count);
    const q = new Float64Array(count);
    let indexSum = 0;
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < n; k++) q[i] += 0.5 * (F[i * n + k] - (p.continuous ? 0 : x[i * n + k])) ** 2;
      const jacobian = J.subarray(i * n * n, (i + 1) * n * n);
      const e = leadingFirst(eigenvalues(jacobian, n), p.continuous);
      values.push(e);
      const grow = e.map((c) => (p.continuous ? c.re : Math.hypot(c.re, c.im) - 1));
      const top = Math.max(...grow);
      unstable[i] = grow.filter((a) => a > marginal).length;
      code[i] = !grow.every(Number.isFinite) ? 4 : Math.abs(top) <= marginal ? 3 : unstable[i] === 0 ? 0 : unstable[i] === n ? 2 : 1;
      const N = Float64Array.from(jacobian, (a, k) => (p.continuous || k % (n + 1) !== 0 ? 0 : 1) - a);
      index[i] = indexOf(N, n);
      indexSum += index[i];
    }
    return { count, x, q, F, J, K, Y, eigenvalues: values, unstable, code, index, indexSum };
  }

  /** Next states (of a flow: a Runge-Kutta step of length dt later), [count][n]. */
  advance(x: Float64Array): Float64Array {
    const p = this.program;
    if (!p.continuous) return this.step(x);
    const dt = p.dt ?? 0.1;
    const plus = (k: Float64Array, f: number): Float64Array => x.map((a, i) => a + f * k[i]);
    const k1 = this.step(x);
    const k2 = this.step(plus(k1, dt / 2));
    const k3 = this.step(plus(k2, dt / 2));
    const k4 = this.step(plus(k3, dt));
    return x.map((a, i) => a + (dt / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]));
  }

  /** States of forward runs, the starts among them: [steps + 1][count][n]. */
  runs(starts: Float64Array, steps: number): Float64Array {
    const out = new Float64Array((steps + 1) * starts.length);
    out.set(starts);
    let x = starts;
    for (let t = 1; t <= steps; t++) {
      x = this.advance(x);
      out.set(x, t * starts.length);
    }
    return out;
  }

  private step(x: Float64Array): Float64Array {
    const { n, machine } = this;
    const { B, V } = machine;
    const out = new Float64Array(x.length);
    for (let s = 0; s < x.length / n; s += B) {
      const m = Math.min(B, x.length / n - s);
      this.load(x, s, m);
      machine.run(this.fwd.tape, m);
      for (let i = 0; i < n; i++) {
        const row = this.fwd.rows[i] * B;
        for (let l = 0; l < m; l++) out[(s + l) * n + i] = V[row + l];
      }
    }
    return out;
  }

  private load(x: Float64Array, s: number, m: number): void {
    const { n, machine } = this;
    for (let i = 0; i < n; i++) {
      const row = machine.rowOf(this.x[i]) * machine.B;
      for (let l = 0; l < m; l++) machine.V[row + l] = x[(s + l) * n + i];
    }
  }

  private smallQ(lanes: Lanes, k: number, o: Options): number {
    let size = 0;
    for (let i = 0; i < this.n; i++) size = Math.max(size, Math.abs(lanes.x[k * this.n + i]));
    return Math.max(o.tolQ, this.floor(size));
  }
}
