import { describe, expect, it } from "vitest";
import type { InspectorScene } from "../../src/core/scene";
import { eigenvalues, leadingFirst } from "../../src/solver/eigen";
import type { Picture } from "../../src/solver/messages";
import { detailOf, expm, growthOf, pushOf, responseOf } from "../../src/widgets/livedetail";

const NONE = { details: {} } as unknown as InspectorScene;

/** One point at the origin with a Jacobian, one input and one open parameter. */
function pictureOf(J: number[], K: number[], code = 0): Picture {
  const n = Math.sqrt(J.length);
  const values = leadingFirst(eigenvalues(J, n), false).flatMap((c) => [c.re, c.im]);
  return { count: 1, x: new Float64Array(n), J: Float64Array.from(J), K: Float64Array.from(K), code: Uint8Array.from([code]), eigenvalues: Float64Array.from(values) } as unknown as Picture;
}

describe("a point in detail, from the page's Jacobian", () => {
  const map = { continuous: false, dt: null, nInputs: 1 };

  it("has what Python says of a shear", () => {
    const detail = detailOf(pictureOf([0.5, 4, 0, 0.5], [1, 7, 2, 8]), 0, 0, map, NONE);
    // The examples of transient_growth and non_normality.
    expect([...(detail?.growth.data ?? [])].slice(0, 4).map((v) => v.toFixed(2))).toEqual(["1.00", "4.06", "4.02", "3.01"]);
    const facts = Object.fromEntries((detail?.facts ?? []).map(([name, value]) => [name, value]));
    expect(facts["non-normality"]).toBe("0.985");
    expect(facts["numerical abscissa"]).toBe("2.500");
    expect(facts["‖J‖"]).toBe("4.062");
    expect(facts["largest transient"]).toBe("×4.06 at step 1");
    expect([...(detail?.dFdu.data ?? [])]).toEqual([1, 2]); // the parameter's column is left out
  });

  it("has both vectors of a mode, the left one with product 1", () => {
    const J = [0.9, 0.4, 0, 0.5];
    const detail = detailOf(pictureOf(J, [0, 0, 0, 0]), 0, 1, map, NONE);
    const { right, left, label, facts } = (detail as NonNullable<typeof detail>).modes[1];
    expect(label).toBe("mode 2: λ = 0.500, decays");
    expect(facts[0]).toBe("τ 1.443 steps");
    const [a, b] = right.data;
    expect(0.9 * a + 0.4 * b).toBeCloseTo(0.5 * a, 9);
    const [c, d] = left.data;
    expect(0.9 * c).toBeCloseTo(0.5 * c, 9);
    expect(a * c + b * d).toBeCloseTo(1, 9);
  });

  it("keeps the order of the units and the sign of the vectors that were shown", () => {
    const p = pictureOf([0.9, 0.4, 0, 0.5], [1, 0, 2, 0]);
    const plain = detailOf(p, 0, 0, map, NONE) as NonNullable<ReturnType<typeof detailOf>>;
    const order = { data: Int32Array.from([1, 0]), shape: [2] };
    const turned = { ...plain, order, modes: [{ ...plain.modes[0], right: { data: plain.modes[0].right.data.map((v) => -v), shape: [2] } }] };
    const detail = detailOf(p, 0, 0, map, { details: { 0: turned } } as unknown as InspectorScene);
    expect([...(detail?.jacobian.data ?? [])]).toEqual([0.5, 0, 0.4, 0.9]);
    expect([...(detail?.dFdu.data ?? [])]).toEqual([2, 1]);
    expect(detail?.modes[0].right.data[0]).toBeCloseTo(-plain.modes[0].right.data[0], 12);
  });

  it("tells the period of a turning pair", () => {
    const [c, s] = [Math.cos(Math.PI / 4), Math.sin(Math.PI / 4)];
    const detail = detailOf(pictureOf([0.8 * c, -0.8 * s, 0.8 * s, 0.8 * c], [0, 0, 0, 0]), 0, 0, map, NONE);
    expect(detail?.modes[0].label).toBe("mode 1: λ = 0.566 + 0.566i, decays");
    expect(detail?.modes[0].facts[0]).toContain("period 8");
    for (const [k, g] of (detail?.growth.data ?? []).entries()) expect(g / 0.8 ** k).toBeCloseTo(1, 5);
  });

  it("predicts a push, and says where the network parts from it", () => {
    const p = pictureOf([0.5], [0, 0]);
    const { start, along } = pushOf(p, 0, 0, 0.1, [-1]);
    expect([...start]).toEqual([-0.1]);
    const run = Float64Array.from([-0.1, -0.05, -0.04, 0]);
    const response = responseOf(p, 0, 0, 0.1, along, run, map);
    expect([...response.linear.data]).toEqual([0.1, 0.05, 0.025, 0.0125].map((v) => expect.closeTo(v, 12)));
    expect([...response.nonlinear.data]).toEqual([0.1, 0.05, 0.04, 0].map((v) => expect.closeTo(v, 12)));
    expect(response.part).toBe(2);
  });

  it("is left out where it would take long, and where there is no point", () => {
    const big = { count: 1, x: new Float64Array(65) } as unknown as Picture;
    expect(detailOf(big, 0, 0, map, NONE)).toBeNull();
    expect(detailOf(pictureOf([0.5], [0, 0]), 1, 0, map, NONE)).toBeNull();
  });

  it("has the exponential of a turn", () => {
    const [a, b] = expm(Float64Array.from([0, -3, 3, 0]), 2);
    expect(a).toBeCloseTo(Math.cos(3), 12);
    expect(b).toBeCloseTo(-Math.sin(3), 12);
    expect(growthOf(expm(Float64Array.from([-0.1]), 1), 1)[40]).toBeCloseTo(Math.exp(-4), 6);
  });
});
