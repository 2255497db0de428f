/** Rows, scalars and tapes together: what a graph's scalars are compiled to. */

import { CODE, CONST, Graph, INPUT, LANE, UNIFORM } from "./graph";
import { OP, ZERO, encode, run } from "./tape";

export class Machine {
  readonly graph = new Graph();
  V = new Float64Array(0);
  S = new Float64Array(0);
  private rows = 0;
  private readonly given = new Map<number, number>();
  private readonly place = new Map<number, number>();
  private readonly table: number[] = [];
  private readonly uniforms: number[] = [];
  private readonly free: number[] = [];

  /** `B` lanes are worked on at once. */
  constructor(readonly B: number) {}

  /** Scalars that come from outside, a row for each. */
  inputs(n: number): number[] {
    return Array.from({ length: n }, () => {
      const id = this.graph.input(LANE);
      this.given.set(id, this.rows++);
      return id;
    });
  }

  /** Scalars that come from outside and are the same in all lanes. */
  uniform(n: number): number[] {
    return Array.from({ length: n }, () => {
      const id = this.graph.input(UNIFORM);
      this.placeOf(id);
      return id;
    });
  }

  /** The row of a scalar that comes from outside. */
  rowOf(id: number): number {
    return this.given.get(id) as number;
  }

  /** Where a scalar that does not depend on the lane stands in `S`. */
  placeOf(id: number): number {
    const known = this.place.get(id);
    if (known !== undefined) return known;
    const g = this.graph;
    if (g.level[id] === UNIFORM && g.code[id] !== INPUT) for (const a of g.args[id]) this.placeOf(a);
    const k = this.table.length;
    this.place.set(id, k);
    this.table.push(g.level[id] === CONST ? g.value[id] : 0);
    if (g.level[id] === UNIFORM && g.code[id] !== INPUT) this.uniforms.push(id);
    return k;
  }

  /**
   * Returns a tape that computes some scalars, and the row of each. Those rows are its own for
   * good; what is needed on the way shares rows with other tapes. One that depends on no lane is written into a row, too.
   */
  compile(outs: readonly number[]): { tape: Int32Array; rows: number[] } {
    const g = this.graph;
    const order = this.ordered(outs);
    const uses = new Map<number, number>();
    for (const id of order) for (const a of g.args[id]) if (a >= 0 && g.level[a] === LANE) uses.set(a, (uses.get(a) ?? 0) + 1);
    const kept = new Set(outs);
    const row = new Map(this.given);
    const code: number[] = [];
    for (const id of order) {
      const args = g.args[id];
      const refs = args.map((a) => (a < 0 ? ZERO : g.level[a] === LANE ? (row.get(a) as number) : ~this.placeOf(a)));
      const d = kept.has(id) || !this.free.length ? this.rows++ : (this.free.pop() as number);
      row.set(id, d);
      encode(code, g.code[id], d, refs, CODE);
      for (const a of args) {
        const left = uses.get(a);
        if (left === undefined) continue;
        uses.set(a, left - 1);
        if (left === 1 && !kept.has(a) && !this.given.has(a)) this.free.push(row.get(a) as number);
      }
    }
    const rows = outs.map((id) => {
      if (g.level[id] === LANE) return row.get(id) as number;
      const d = this.rows++;
      code.push(OP.FILL, d, this.placeOf(id));
      return d;
    });
    return { tape: Int32Array.from(code), rows };
  }

  /** Makes room, after the last call of `compile`. */
  finish(): void {
    this.S = Float64Array.from(this.table);
    this.V = new Float64Array(this.rows * this.B);
  }

  /** Sets scalars that come from outside, and works out what depends on them alone. */
  setUniform(ids: readonly number[], values: ArrayLike<number>): void {
    const { S, graph } = this;
    ids.forEach((id, k) => {
      S[this.placeOf(id)] = values[k];
    });
    const at = (a: number): number => S[this.place.get(a) as number];
    for (const id of this.uniforms) S[this.place.get(id) as number] = graph.uniformValue(id, at);
  }

  run(tape: Int32Array, m: number): void {
    run(tape, this.V, this.S, this.B, m);
  }

  /** What has to be computed for `outs`, each after its operands. */
  private ordered(outs: readonly number[]): number[] {
    const g = this.graph;
    const order: number[] = [];
    const seen = new Set<number>();
    const stack: number[] = [];
    const open = (id: number): boolean => id >= 0 && g.level[id] === LANE && !this.given.has(id) && !seen.has(id);
    for (const out of outs) {
      stack.push(out);
      while (stack.length) {
        const id = stack[stack.length - 1];
        if (!open(id)) {
          stack.pop();
          continue;
        }
        const before = stack.length;
        for (const a of g.args[id]) if (open(a)) stack.push(a);
        if (stack.length === before) {
          stack.pop();
          seen.add(id);
          order.push(id);
        }
      }
    }
    return order;
  }
}
