/** Reads a program and checks it whole before anything is computed: a bad one ends in a message. */

import { BINARY, UNARY } from "./functions";

export class ProgramError extends Error {}

export interface Operation {
  name: string;
  size: number;
  operands: Int32Array[];
  /** Of matmul [batch, rows, inner, columns], of sum, product, maximum and minimum [rows, inner]. */
  shape: number[];
  exponent: number;
}

export interface Program {
  nStates: number;
  nInputs: number;
  nOutputs: number;
  parameters: { name: string; value: number }[];
  continuous: boolean;
  dt: number | null;
  precision: "float64" | "float32";
  /** The box, where it is no formula of the input but known for one input. */
  fixedBox: { u: number[]; low: number[]; high: number[] } | null;
  weights: Float64Array;
  operations: Operation[];
  outputs: Record<string, Int32Array>;
  nCells: number;
}

export const FORMAT = "fpf-program";
export const VERSION = 1;

// What a page can hold; far above what the package exports.
const MAX_CELLS = 8e6;
const MAX_READS = 4e7;
const MAX_OPERATIONS = 20000;
const MAX_STATES = 4096;
const MAX_LEVELS = 8;
const REDUCTIONS = new Set(["sum", "product", "maximum", "minimum"]);

function fail(message: string): never {
  throw new ProgramError(`This program cannot be computed: ${message}.`);
}

function whole(value: unknown, what: string, low: number, high: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high)
    fail(`${what} is ${String(JSON.stringify(value)).slice(0, 40)}, expected a whole number from ${low} to ${high}`);
  return value as number;
}

function list(value: unknown, what: string, most: number): unknown[] {
  if (!Array.isArray(value)) fail(`${what} is not a list`);
  if ((value as unknown[]).length > most) fail(`${what} has ${(value as unknown[]).length} entries, at most ${most} are taken`);
  return value as unknown[];
}

function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail(`${what} is missing or no object`);
  return value as Record<string, unknown>;
}

function decodeWeights(value: unknown): Float64Array {
  const w = object(value, "weights");
  const width = w.dtype === "float32" ? 4 : w.dtype === "float64" ? 8 : fail("the type of the weights is unknown");
  const size = whole(w.size, "the number of weights", 0, MAX_CELLS);
  if (typeof w.data !== "string") fail("the weights are no text");
  let text = "";
  try {
    text = atob(w.data as string);
  } catch {
    fail("the weights are no base64");
  }
  if (text.length !== size * width) fail(`the weights have ${text.length} bytes, expected ${size * width}`);
  const bytes = new DataView(new ArrayBuffer(text.length));
  for (let i = 0; i < text.length; i++) bytes.setUint8(i, text.charCodeAt(i));
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    out[i] = width === 4 ? bytes.getFloat32(4 * i, true) : bytes.getFloat64(8 * i, true);
    if (Number.isNaN(out[i])) fail(`weight ${i} is not a number`);
  }
  return out;
}

/** Spells out which cells are read. `budget` counts what all operands together read. */
function addresses(value: unknown, what: string, limit: number, budget: { left: number }): Int32Array {
  const segments = list(value, what, MAX_CELLS);
  const parsed: number[][] = [];
  let total = 0;
  for (const segment of segments) {
    const s = list(segment, what, 1 + 2 * MAX_LEVELS) as number[];
    if (s.length < 3 || s.length % 2 === 0) fail(`${what} has a segment of ${s.length} numbers`);
    let count = 1;
    let low = whole(s[0], what, 0, MAX_CELLS);
    let high = low;
    for (let k = 1; k < s.length; k += 2) {
      const turns = whole(s[k], what, 1, MAX_CELLS);
      const reach = (turns - 1) * whole(s[k + 1], what, -MAX_CELLS, MAX_CELLS);
      count *= turns;
      if (reach < 0) low += reach;
      else high += reach;
    }
    if (low < 0 || high >= limit) fail(`${what} reads cell ${low < 0 ? low : high} of ${limit}`);
    total += count;
    if (total > budget.left) fail("it reads more numbers than a page can hold");
    parsed.push(s);
  }
  budget.left -= total;
  const out = new Int32Array(total);
  let at = 0;
  for (const s of parsed) {
    let size = 1;
    out[at] = s[0];
    for (let k = 1; k < s.length; k += 2) {
      for (let turn = 1; turn < s[k]; turn++) for (let i = 0; i < size; i++) out[at + turn * size + i] = out[at + i] + turn * s[k + 1];
      size *= s[k];
    }
    at += size;
  }
  return out;
}

const product = (sizes: number[]): number => sizes.reduce((a, b) => a * b, 1);

function operation(value: unknown, k: number, limit: number, budget: { left: number }): Operation {
  const row = list(value, `operation ${k}`, 4);
  const name = row[0];
  const what = `operation ${k} (${String(name).slice(0, 20)})`;
  if (typeof name !== "string") fail(`operation ${k} has no name`);
  const size = whole(row[1], `the size of ${what}`, 1, MAX_CELLS);
  const operands = list(row[2], `the operands of ${what}`, 3).map((o) => addresses(o, what, limit, budget));
  const op: Operation = { name: name as string, size, operands, shape: [], exponent: 0 };
  let sizes: number[];
  if (Object.hasOwn(UNARY, op.name)) sizes = [size];
  else if (Object.hasOwn(BINARY, op.name)) sizes = [size, size];
  else if (op.name === "select") sizes = [size, size, size];
  else if (op.name === "power") {
    op.exponent = whole(row[3], `the exponent of ${what}`, -1000, 1000);
    sizes = [size];
  } else if (op.name === "matmul" || REDUCTIONS.has(op.name)) {
    const length = op.name === "matmul" ? 4 : 2;
    op.shape = list(row[3], `the shape of ${what}`, length).map((s) => whole(s, `the shape of ${what}`, 0, MAX_CELLS));
    if (op.shape.length !== length) fail(`the shape of ${what} has ${op.shape.length} numbers, expected ${length}`);
    const [a, b, c, d] = op.shape;
    const own = op.name === "matmul" ? a * b * d : a;
    if (own !== size) fail(`${what} fills ${size} cells, expected ${own}`);
    if (op.name === "matmul" && product(op.shape) > MAX_READS) fail(`${what} is larger than a page can hold`);
    sizes = op.name === "matmul" ? [a * b * c, a * c * d] : [a * b];
  } else return fail(`this page does not know the operation "${op.name.slice(0, 40)}"`);
  if (operands.length !== sizes.length) fail(`${what} has ${operands.length} operands, expected ${sizes.length}`);
  operands.forEach((o, i) => {
    if (o.length !== sizes[i]) fail(`${what} reads ${o.length} numbers, expected ${sizes[i]}`);
  });
  return op;
}

/** Reads a program, from its JSON or from what that says. */
export function parse(given: unknown): Program {
  let value = given;
  if (typeof given === "string") {
    try {
      value = JSON.parse(given);
    } catch {
      fail("its text is damaged");
    }
  }
  const d = object(value, "the program");
  if (d.format !== FORMAT) fail("it is no program of fpf_notebook");
  if (d.version !== VERSION) fail(`its format has the version ${String(JSON.stringify(d.version)).slice(0, 20)}, this page reads ${VERSION}`);
  const nStates = whole(d.n_states, "n_states", 1, MAX_STATES);
  const nInputs = whole(d.n_inputs, "n_inputs", 0, MAX_STATES);
  const nOutputs = whole(d.n_outputs, "n_outputs", 0, MAX_STATES * 16);
  if (d.time !== "discrete" && d.time !== "continuous") fail("time is neither discrete nor continuous");
  if (d.precision !== "float64" && d.precision !== "float32") fail("its precision is unknown");
  if (d.dt !== null && !(typeof d.dt === "number" && d.dt > 0)) fail("dt is no duration");
  const parameters = list(d.parameters, "parameters", 4096).map((p) => {
    const { name, value: number } = object(p, "a parameter");
    if (typeof name !== "string" || !Number.isFinite(number)) fail("a parameter has no name or no number");
    return { name: name as string, value: number as number };
  });
  let fixedBox: Program["fixedBox"] = null;
  if (d.fixed_box !== null) {
    const box = object(d.fixed_box, "fixed_box");
    const numbers = (key: string, length: number): number[] => {
      const values = list(box[key], `fixed_box.${key}`, MAX_STATES) as number[];
      if (values.length !== length || !values.every((x) => Number.isFinite(x))) fail(`fixed_box.${key} is not ${length} numbers`);
      return values;
    };
    fixedBox = { u: numbers("u", nInputs), low: numbers("low", nStates), high: numbers("high", nStates) };
  }
  const weights = decodeWeights(d.weights);
  let cells = weights.length + nStates + nInputs + parameters.length;
  const budget = { left: MAX_READS };
  const operations = list(d.operations, "operations", MAX_OPERATIONS).map((row, k) => {
    const op = operation(row, k, cells, budget);
    cells += op.size;
    if (cells > MAX_CELLS) fail("it has more numbers than a page can hold");
    return op;
  });
  const lengths: Record<string, number> = {
    F: nStates,
    J: nStates * nStates,
    K: nStates * (nInputs + parameters.length),
    Y: nOutputs,
    low: nStates,
    high: nStates,
  };
  const outputs: Record<string, Int32Array> = {};
  for (const [name, operand] of Object.entries(object(d.outputs, "outputs"))) {
    if (!Object.hasOwn(lengths, name)) fail(`it has an unknown output "${name.slice(0, 20)}"`);
    outputs[name] = addresses(operand, `output ${name}`, cells, budget);
    if (outputs[name].length !== lengths[name]) fail(`output ${name} has ${outputs[name].length} numbers, expected ${lengths[name]}`);
  }
  for (const name of ["F", "J", "K", "Y"]) if (!outputs[name]) fail(`it has no output ${name}`);
  if (("low" in outputs) !== ("high" in outputs)) fail("it has one side of a box only");
  const first = weights.length;
  for (const side of ["low", "high"]) {
    for (const a of outputs[side] ?? []) if (a >= first && a < first + nStates) fail("its box depends on the state");
  }
  return {
    nStates,
    nInputs,
    nOutputs,
    parameters,
    continuous: d.time === "continuous",
    dt: (d.dt as number | null) ?? null,
    precision: d.precision as Program["precision"],
    fixedBox,
    weights,
    operations,
    outputs,
    nCells: cells,
  };
}
