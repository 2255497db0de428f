import { describe, expect, it } from "vitest";
import { parse } from "../../src/solver/format";
import { Solver } from "../../src/solver/solver";

const text = (numbers: number[]): string => {
  const bytes = new Uint8Array(Float64Array.from(numbers).buffer);
  return btoa(String.fromCharCode(...bytes));
};

/** h' = tanh(2 h + u), one unit: cells are 0..1 weights (2, 1), 2 state, 3 input. */
export const latch = (): Record<string, unknown> => ({
  format: "fpf-program", version: 1, name: "latch", n_states: 1, n_inputs: 1, n_outputs: 0, time: "discrete", dt: null,
  precision: "float64", parameters: [], fixed_box: { u: [0], low: [-1], high: [1] },
  weights: { dtype: "float64", size: 2, data: text([2, 1]) },
  operations: [
    ["mul", 1, [[[0, 1, 1]], [[2, 1, 1]]]],
    ["add", 1, [[[4, 1, 1]], [[3, 1, 1]]]],
    ["tanh", 1, [[[5, 1, 1]]]],
    ["square", 1, [[[6, 1, 1]]]],
    ["sub", 1, [[[1, 1, 1]], [[7, 1, 1]]]],
    ["mul", 1, [[[0, 1, 1]], [[8, 1, 1]]]],
  ],
  outputs: { F: [[6, 1, 1]], J: [[9, 1, 1]], K: [[8, 1, 1]], Y: [] },
});

describe("programs", () => {
  it("are solved", () => {
    const s = new Solver(JSON.stringify(latch()));
    expect(s.boxed).toBe(true);
    const found = s.solve(Float64Array.from([-0.9, 0.1, 0.9, 2]));
    const x = [...found.x].sort((a, b) => a - b);
    expect(x.length).toBe(3);
    expect(Math.tanh(2 * x[2])).toBeCloseTo(x[2], 14);
    expect(found.indexSum).toBe(1);
    s.setInput([0.7]);
    expect(s.boxed).toBe(false); // the box was known for another input
    expect(s.solve(Float64Array.from([-0.9, 0.1, 0.9])).count).toBe(1);
  });

  const wrong: [string, (d: any) => void][] = [
    ["no program of fpf_notebook", (d) => (d.format = "x")],
    ["the version 2, this page reads 1", (d) => (d.version = 2)],
    ["unknown input", (d) => (d.operations[0][2][0] = [[99, 1, 1]])],
    ["reads cell 4 of 4", (d) => (d.operations[0][2][0] = [[4, 1, 1]])],
    ['does not know the operation "sort"', (d) => (d.operations[0][0] = "sort")],
    ["does not know the operation", (d) => (d.operations[0][0] = "constructor")],
    ["has 2 operands, expected 1", (d) => (d.operations[2][2] = [[[5, 1, 1]], [[5, 1, 1]]])],
    ["reads 2 numbers, expected 1", (d) => (d.operations[2][2] = [[[4, 2, 1]]])],
    ["a segment of 2 numbers", (d) => (d.operations[2][2] = [[[4, 2]]])],
    ["expected a whole number", (d) => (d.operations[2][1] = 1e12)],
    ["weights have 16 bytes, expected 24", (d) => (d.weights.size = 3)],
    ["no base64", (d) => (d.weights.data = "@@@")],
    ["weight 1 is not a number", (d) => (d.weights.data = text([1, NaN]))],
    ["no output K", (d) => delete d.outputs.K],
    ["one side of a box only", (d) => (d.outputs.low = [[2, 1, 1]])],
    ["box depends on the state", (d) => (d.outputs.low = d.outputs.high = [[2, 1, 1]])],
    ["fixed_box.low is not 1 numbers", (d) => (d.fixed_box.low = [])],
    ["neither discrete nor continuous", (d) => (d.time = 3)],
    ["more numbers than a page can hold", (d) => (d.operations[0] = ["mul", 8e6, [[[0, 8e6, 0]], [[0, 8e6, 0]]]])],
  ];
  it.each(wrong)("are refused: %s", (message, change) => {
    const d = latch();
    change(d);
    expect(() => parse(d)).toThrow(message === "unknown input" ? "reads cell 99" : message);
  });

  it("that are cut off are refused", () => {
    expect(() => parse(JSON.stringify(latch()).slice(0, -3))).toThrow("damaged");
    expect(() => parse(null)).toThrow("missing");
  });
});
