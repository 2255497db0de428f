import { describe, expect, it } from "vitest";
import shared from "./fixtures/shared.json";
import { decode, encode, fromBase64, unpack } from "../src/core/codec";
import { CLASSES, diverging, extent, sequential } from "../src/core/colors";
import { makeFrame } from "../src/core/chart";
import { minMax, smooth } from "../src/core/decimate";
import { SvgPainter, drawMarker } from "../src/core/painter";
import { inBox, inLasso, insidePolygon, nearest } from "../src/core/pick";
import { luminance, themeOf } from "../src/core/theme";
import { complex, decadeTicks, linearTicks, wholeTicks, power, short } from "../src/core/ticks";
import { align } from "../src/views/curves";
import { cellAt } from "../src/views/heatmap";
import { bins } from "../src/views/histogram";
import { steadyExtent } from "../src/views/spectrum";

interface Fixture {
  arrays: { view: string; dtype: string; shape: number[]; values: number[] }[];
  classes: { name: string; light: string; dark: string }[];
}
// Written by Python's tests, which compare it with what the package sends.
const fixture = shared as unknown as Fixture;

describe("codec", () => {
  it("reads what Python packs", () => {
    for (const a of fixture.arrays) {
      const got = decode({ view: new DataView(fromBase64(a.view)), dtype: a.dtype, shape: a.shape });
      expect(Array.from(got.data)).toEqual(a.values.map((v) => (v === null ? NaN : v)));
      expect(got.shape).toEqual(a.shape);
    }
  });

  it("reads base64 too, at any depth", () => {
    const [a] = fixture.arrays;
    const out = unpack<{ list: { data: Float32Array }[]; n: number }>({ list: [a], n: 3 });
    expect(Array.from(out.list[0].data)).toEqual(a.values);
    expect(out.n).toBe(3);
  });

  it("reads a buffer that is not aligned", () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(new Float32Array([1.5, -2]).buffer), 1);
    expect(Array.from(decode({ view: new DataView(bytes.buffer, 1, 8), dtype: "float32", shape: [2] }).data)).toEqual([1.5, -2]);
  });

  it("survives a round trip, and refuses what does not fit", () => {
    const packed = encode(new Float32Array([1, 2, 3, 4]), [2, 2]);
    expect(Array.from(decode(packed).data)).toEqual([1, 2, 3, 4]);
    expect(() => decode({ ...packed, shape: [3] })).toThrow(/needs 12 bytes, got 16/);
    expect(() => decode({ ...packed, dtype: "object" })).toThrow(/object/);
  });
});

describe("ticks", () => {
  it("are round and inside", () => {
    expect(linearTicks(-1.02, 1.3, 5).map((t) => t.label)).toEqual(["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
    expect(linearTicks(3, 3).length).toBeGreaterThan(1);
    expect(linearTicks(NaN, 1)).toEqual([]);
  });
  it("count decades", () => {
    expect(decadeTicks(-12, 0, 4).map((t) => t.label)).toEqual(["10⁻¹²", "10⁻⁸", "10⁻⁴", "1"]);
    expect(power(-31)).toBe("10⁻³¹");
  });
  it("spell numbers briefly", () => {
    expect([0, 0.125, 3e-31, 123456, NaN, Infinity].map(short)).toEqual(["0", "0.125", "3e-31", "1.2e+5", "n/a", "∞"]);
    expect(complex(1, -0.5)).toBe("1 − 0.5i");
    expect(complex(2, 0)).toBe("2");
  });
});

describe("picking", () => {
  const [xs, ys] = [[0, 10, 20, 20], [0, 10, 20, 20]];
  it("finds the nearest, and of two in one place the nearer one", () => {
    expect(nearest(xs, ys, 9, 11, 5)).toBe(1);
    expect(nearest(xs, ys, 20, 20, 5)).toBe(3);
    expect(nearest(xs, ys, 50, 50, 5)).toBe(-1);
  });
  it("finds what is in a box, whichever way it was drawn", () => {
    expect(inBox(xs, ys, [12, 12], [-1, -1])).toEqual([0, 1]);
  });
  it("finds what is in a lasso, concave ones too", () => {
    const horseshoe = [[0, 0], [30, 0], [30, 30], [20, 30], [20, 10], [10, 10], [10, 30], [0, 30]] as const;
    expect(insidePolygon(horseshoe, 15, 20)).toBe(false);
    expect(insidePolygon(horseshoe, 5, 20)).toBe(true);
    expect(inLasso([15, 5], [20, 20], horseshoe)).toEqual([1]);
    expect(inLasso([1], [1], [[0, 0], [2, 2]])).toEqual([]);
  });
});

describe("decimation", () => {
  const n = 100_000;
  const x = Float64Array.from({ length: n }, (_, i) => i);
  const y = Float64Array.from({ length: n }, (_, i) => Math.sin(i / 500));
  y[54_321] = 9;
  y[77_777] = -9;
  it("keeps ends and peaks within its limit", () => {
    const s = minMax(x, y, 1000);
    expect(s.x.length).toBeLessThanOrEqual(1000);
    expect(s.x[0]).toBe(0);
    expect(s.x[s.x.length - 1]).toBe(n - 1);
    expect(Math.max(...s.y)).toBe(9);
    expect(Math.min(...s.y)).toBe(-9);
    for (let i = 1; i < s.x.length; i++) expect(s.x[i]).toBeGreaterThan(s.x[i - 1]);
  });
  it("leaves short series as they are", () => {
    expect(Array.from(minMax([1, 2], [3, NaN], 10).y)).toEqual([3, NaN]);
  });
  it("smooths over gaps", () => {
    expect(Array.from(smooth([1, NaN, 3], 0.5))).toEqual([1, NaN, 2]);
    expect(Array.from(smooth([1, 5], 0))).toEqual([1, 5]);
  });
  it("joins series on one axis and drops what a logarithm cannot show", () => {
    const set = { x: { data: new Float32Array([0, 1, 2]), shape: [3] }, series: [{ name: "a", group: "loss", y: { data: new Float32Array([1, 0, NaN]), shape: [3] } }] };
    const [xs, ys] = align(set, { log: true, smoothing: 0 }, 100);
    expect(xs).toEqual([0, 1, 2]);
    expect(ys).toEqual([1, undefined, undefined]);
  });
});

describe("colours", () => {
  it("are those of the package's figures", () => {
    expect(CLASSES.map(({ name, light, dark }) => ({ name, light, dark }))).toEqual(fixture.classes);
    expect(new Set(CLASSES.map((c) => c.shape)).size).toBe(CLASSES.length);
  });
  it("have zero in the middle", () => {
    expect(luminance(diverging(0))).toBeGreaterThan(0.9);
    expect(diverging(5)).toBe(diverging(1));
    expect(diverging(1)).not.toBe(diverging(-1));
    expect(sequential(0)).toBe("#440154");
  });
  it("ignore what is not finite", () => {
    expect(extent([NaN, 2, Infinity, -1])).toEqual([-1, 2]);
    expect(extent([])).toEqual([0, 1]);
  });
  it("contrast with the page in both themes", () => {
    for (const dark of [false, true]) {
      const theme = themeOf(dark);
      for (const color of [theme.text, theme.muted, theme.accent]) {
        expect(Math.abs(luminance(color) - luminance(theme.background))).toBeGreaterThan(0.35);
      }
    }
  });
});

describe("charts", () => {
  it("map there and back", () => {
    const f = makeFrame(300, 200, { x: [-2, 2], y: [0, 1] });
    expect(f.invertX(f.x(1.5))).toBeCloseTo(1.5, 12);
    expect(f.invertY(f.y(0.25))).toBeCloseTo(0.25, 12);
  });
  it("keep a circle round", () => {
    const f = makeFrame(500, 200, { x: [-1, 1], y: [-1, 1], equal: true });
    expect(f.x(1) - f.x(0)).toBeCloseTo(f.y(0) - f.y(1), 10);
  });
  it("count q = 0 in the first bin and what diverged in none", () => {
    const found = bins([-Infinity, -30, NaN, 1], [1, 0, 1, 0], -36, 2, 19);
    expect(found[0].kept).toBe(1);
    expect(found.reduce((n, b) => n + b.kept + b.other, 0)).toBe(3);
  });
  it("find the cell under the pointer", () => {
    const box = { left: 10, top: 10, width: 30, height: 20 };
    expect(cellAt(39, 29, box, [2, 3])).toEqual({ row: 1, column: 2 });
    expect(cellAt(41, 15, box, [2, 3])).toBeNull();
  });
  it("do not jump when the data changes a little", () => {
    expect(steadyExtent(2, 1.5)).toBe(2);
    expect(steadyExtent(2, 2.5)).toBe(2.5);
    expect(steadyExtent(10, 1)).toBe(1);
  });
});

describe("svg", () => {
  it("escapes text and draws every shape", () => {
    const p = new SvgPainter(100, 50, "#fff");
    p.text(1, 2, "a<b & \"c\"", { color: "#000" });
    for (const c of CLASSES) drawMarker(p, c.shape, 10, 10, 5, { fill: c.light });
    p.clip(0, 0, 5, 5, () => p.line([0, 0, 1, 1, NaN, NaN, 2, 2, 3, 3], { color: "red" }));
    const text = p.toString();
    expect(text).toContain("a&lt;b &amp; &quot;c&quot;");
    expect(text).toContain('d="M0 0L1 1M2 2L3 3"');
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
    expect(parsed.querySelector("parsererror")).toBeNull();
  });
});

describe("an axis that counts", () => {
  it("has whole numbers only", () => {
    expect(wholeTicks(0, 2).map((t) => t.label)).toEqual(["0", "1", "2"]);
    expect(wholeTicks(-0.5, 1.4).map((t) => t.label)).toEqual(["0", "1"]);
    expect(wholeTicks(0, 1200, 4).length).toBeLessThan(8);
    expect(wholeTicks(0, 3e6, 2).map((t) => t.label)).toContain("2e+6");
    expect(wholeTicks(3, 3).every((t) => Number.isInteger(t.value))).toBe(true);
  });
});
