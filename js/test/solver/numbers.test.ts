import { describe, expect, it } from "vitest";
import { eigenvalues, eigenvector, leadingFirst } from "../../src/solver/eigen";
import { erf, erfc, logistic, tanh, UNARY } from "../../src/solver/functions";
import { assess } from "../../src/solver/grade";
import { index, luInPlace, luSolve, singularValues } from "../../src/solver/linear";
import { Random, unique } from "../../src/solver/points";

const random = (n: number, seed: number): Float64Array => {
  const r = new Random(seed);
  return Float64Array.from({ length: n * n }, () => r.normal());
};

describe("functions", () => {
  it("gives erf and erfc to full precision", () => {
    // From mpmath, 17 digits.
    const known: [number, number][] = [
      [0.1, 0.1124629160182849], [0.5, 0.5204998778130465], [1, 0.8427007929497149], [2, 0.9953222650189527],
      [2.4, 0.9993114861033549], [2.6, 0.9997639655834707], [4, 0.9999999845827421],
    ];
    for (const [x, y] of known) {
      expect(Math.abs(erf(x) - y)).toBeLessThan(5e-16);
      expect(erf(-x)).toBe(-erf(x));
    }
    expect(Math.abs(erfc(3) / 2.209049699858544e-5 - 1)).toBeLessThan(1e-14);
    expect(Math.abs(erfc(8) / 1.1224297172982928e-29 - 1)).toBeLessThan(1e-13);
    expect(erfc(-2)).toBeCloseTo(1.9953222650189527, 15);
    expect(erfc(30)).toBe(0);
  });

  it("keeps tanh and the logistic function near their limits", () => {
    for (const x of [1e-9, -0.019, 0.021, 0.5, -3, 20, 700, -700]) {
      expect(Math.abs(tanh(x) - Math.tanh(x))).toBeLessThan(3e-16);
      expect(logistic(x) + logistic(-x)).toBeCloseTo(1, 15);
    }
    expect(tanh(1e-9)).toBe(1e-9);
    expect(logistic(-800)).toBe(0);
  });

  it("rounds half to even", () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4].map((x) => UNARY.round(x) + 0)).toEqual([0, 2, 2, 0, -2, 2]);
  });
});

describe("eigenvalues", () => {
  it("have the right sum, product and vectors", () => {
    for (const n of [1, 2, 3, 5, 8, 16, 40]) {
      const A = random(n, n);
      const e = leadingFirst(eigenvalues(A, n), false);
      expect(e.length).toBe(n);
      let trace = 0;
      for (let i = 0; i < n; i++) trace += A[i * n + i];
      expect(e.reduce((s, c) => s + c.re, 0)).toBeCloseTo(trace, 10);
      expect(e.reduce((s, c) => s + c.im, 0)).toBeCloseTo(0, 10);
      for (const value of e) {
        const v = eigenvector(A, n, value);
        let off = 0;
        let size = 0;
        for (let i = 0; i < n; i++) {
          let re = -value.re * v.re[i] + value.im * v.im[i];
          let im = -value.re * v.im[i] - value.im * v.re[i];
          for (let j = 0; j < n; j++) {
            re += A[i * n + j] * v.re[j];
            im += A[i * n + j] * v.im[j];
          }
          off = Math.max(off, Math.hypot(re, im));
          size += v.re[i] ** 2 + v.im[i] ** 2;
        }
        expect(off).toBeLessThan(1e-9);
        expect(size).toBeCloseTo(1, 12);
      }
    }
  });

  it("survive symmetric, defective, cyclic and zero matrices", () => {
    expect(eigenvalues([2, 0, 0, 3], 2).map((c) => c.re).sort()).toEqual([2, 3]);
    const cycle = eigenvalues([0, 0, 1, 1, 0, 0, 0, 1, 0], 3);
    for (const c of cycle) expect(Math.hypot(c.re, c.im)).toBeCloseTo(1, 12);
    for (const c of eigenvalues([1, 1, 0, 0, 1, 1, 0, 0, 1], 3)) expect(Math.hypot(c.re - 1, c.im)).toBeLessThan(1e-4);
    expect(eigenvalues(new Float64Array(9), 3)).toEqual([{ re: 0, im: 0 }, { re: 0, im: 0 }, { re: 0, im: 0 }]);
    expect(eigenvalues([NaN, 1, 1, 1], 2)[0].re).toBeNaN();
  });
});

describe("linear algebra", () => {
  it("solves and gives the sign of the determinant", () => {
    const A = random(7, 3);
    const LU = Float64Array.from(A);
    const { order, sign } = luInPlace(LU, 7);
    const b = Float64Array.from({ length: 7 }, (_, i) => i - 3);
    const x = luSolve(LU, order, b, 7);
    for (let i = 0; i < 7; i++) {
      let s = 0;
      for (let j = 0; j < 7; j++) s += A[i * 7 + j] * x[j];
      expect(s).toBeCloseTo(b[i], 10);
    }
    const flipped = Float64Array.from(A);
    for (let j = 0; j < 7; j++) flipped[j] = -A[j];
    expect(index(flipped, 7)).toBe(-sign);
  });

  it("calls a matrix degenerate by its singular values, whatever its determinant", () => {
    expect(index(Float64Array.from([1, 0, 0, 2e-8]), 2)).toBe(1);
    expect(index(Float64Array.from([1, 0, 0, -0.5e-8]), 2)).toBe(0);
    expect(index(Float64Array.from([1e-9, 0, 0, 1e-9]), 2)).toBe(1);
    expect(index(Float64Array.from([1, 2, 2, 4]), 2)).toBe(0);
    expect(index(Float64Array.from([NaN, 2, 2, 4]), 2)).toBe(0);
    const s = singularValues([3, 0, 4, 5], 2);
    expect(s[0]).toBeCloseTo(Math.sqrt(45), 12);
    expect(s[1]).toBeCloseTo(Math.sqrt(5), 12);
  });
});

describe("points", () => {
  it("keeps the best of each, equal ones by their coordinates", () => {
    const x = Float64Array.from([1, 0, 1.0005, 0, 5, 5, 0, 0]);
    const { chosen, label } = unique(x, [1e-20, 1e-25, 0, 1e-30], [0, 1, 2, 3], 2, 1e-3);
    expect(chosen).toEqual([2, 3, 1]);
    expect([...label]).toEqual([2, 2, 0, 1]);
  });

  it("draws the same numbers from the same seed, and normal ones", () => {
    const a = new Random(3);
    const b = new Random(3);
    const drawn = Array.from({ length: 4000 }, () => a.normal());
    expect(drawn.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => b.normal()));
    const mean = drawn.reduce((s, v) => s + v, 0) / 4000;
    expect(Math.abs(mean)).toBeLessThan(0.06);
    expect(Math.abs(drawn.reduce((s, v) => s + v * v, 0) / 4000 - 1)).toBeLessThan(0.1);
  });
});

describe("grade", () => {
  const good = { hits: [7, 5, 9], idleCurves: 24, indexSum: 1, expectedSum: 1, uncertified: 0, runsToUnknown: 0 };
  it("says what the package says", () => {
    expect(assess(good)).toEqual({ grade: "consistent", missing: 0, reasons: [] });
    expect(assess({ ...good, indexSum: 0 }).reasons).toEqual(["at least one more exists: index sum 0, expected 1"]);
    expect(assess({ ...good, hits: [7, 5, 2] }).reasons).toEqual(["1 point was reached fewer than 5 times"]);
    expect(assess({ ...good, hits: Array<number>(15).fill(7), idleCurves: 30 }).reasons).toEqual([
      "15 points were reached fewer than 8 times",
    ]);
    expect(assess({ ...good, expectedSum: null }).grade).toBe("open");
    expect(assess({ ...good, uncertified: 2 }).reasons).toEqual(["2 points were not certified"]);
  });
});
