/** From the arrays of a program to the scalars of a graph. */

import { type Operation, type Program, ProgramError } from "./format";
import { BINARY, UNARY } from "./functions";
import { CODE, type Graph } from "./graph";

const MAX_SCALARS = 6e6;

/** Returns each output of the program as scalars; `x` are those of the state, `v` of input and parameters. */
export function lower(program: Program, g: Graph, x: readonly number[], v: readonly number[]): Record<string, number[]> {
  const cells = new Int32Array(program.nCells);
  let size = 0;
  for (const w of program.weights) cells[size++] = g.constant(w);
  for (const i of x) cells[size++] = i;
  for (const i of v) cells[size++] = i;
  for (const op of program.operations) {
    emit(op, g, cells, size);
    size += op.size;
    if (g.size > MAX_SCALARS) throw new ProgramError("This program is larger than a page can hold: it is computed in the kernel.");
  }
  const out: Record<string, number[]> = {};
  for (const [name, addresses] of Object.entries(program.outputs)) out[name] = Array.from(addresses, (a) => cells[a]);
  return out;
}

function emit(op: Operation, g: Graph, cells: Int32Array, start: number): void {
  const { name, size, operands, shape } = op;
  const [p, q, r] = operands;
  if (Object.hasOwn(UNARY, name)) {
    for (let i = 0; i < size; i++) cells[start + i] = g.unary(CODE[name], cells[p[i]]);
  } else if (Object.hasOwn(BINARY, name)) {
    for (let i = 0; i < size; i++) cells[start + i] = g.binary(CODE[name], cells[p[i]], cells[q[i]]);
  } else if (name === "select") {
    for (let i = 0; i < size; i++) cells[start + i] = g.select(cells[p[i]], cells[q[i]], cells[r[i]]);
  } else if (name === "power") {
    for (let i = 0; i < size; i++) cells[start + i] = g.power(cells[p[i]], op.exponent);
  } else if (name === "matmul") {
    const [batch, rows, inner, columns] = shape;
    for (let b = 0; b < batch; b++)
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          const pairs: number[] = [];
          for (let k = 0; k < inner; k++) pairs.push(cells[p[(b * rows + i) * inner + k]], cells[q[(b * inner + k) * columns + j]]);
          cells[start + (b * rows + i) * columns + j] = g.mac(pairs);
        }
  } else {
    const [rows, inner] = shape;
    const one = g.constant(1);
    for (let i = 0; i < rows; i++) {
      const terms = Array.from({ length: inner }, (_, k) => cells[p[i * inner + k]]);
      if (name === "sum") cells[start + i] = g.mac(terms.flatMap((t) => [one, t]));
      else {
        const code = CODE[{ product: "mul", maximum: "max", minimum: "min" }[name] as string];
        cells[start + i] = terms.length ? terms.reduce((a, b) => g.binary(code, a, b)) : one;
      }
    }
  }
}
