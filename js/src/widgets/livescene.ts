/** From what the solver found to what the views draw: pure functions. */

import { type NdArray, empty } from "../core/codec";
import { CLASSES } from "../core/colors";
import type { ExplorerScene, InspectorScene, Status } from "../core/scene";
import type { Picture } from "../solver/messages";

/** How the state space is shown, from Python. */
export interface Axes {
  center: NdArray; // [n]
  basis: NdArray; // [axes, n]
}

const REACH = 0.07; // of the picture's half-width, as in Python

function project(x: Float64Array, count: number, { center, basis }: Axes, direction: boolean): Float32Array {
  const n = center.data.length;
  const axes = Math.min(3, basis.shape[0]);
  const out = new Float32Array(3 * count);
  for (let p = 0; p < count; p++)
    for (let a = 0; a < axes; a++) {
      let s = 0;
      for (let i = 0; i < n; i++) s += basis.data[a * n + i] * (x[p * n + i] - (direction ? 0 : center.data[i]));
      out[3 * p + a] = s;
    }
  return out;
}

/** What is said of each point, as in Python. */
export function namesOf(p: Picture, continuous: boolean): string[] {
  const n = p.count ? p.eigenvalues.length / (2 * p.count) : 0;
  return Array.from({ length: p.count }, (_, i) => {
    let top = -Infinity;
    for (let k = 0; k < n; k++) {
      const [re, im] = [p.eigenvalues[(i * n + k) * 2], p.eigenvalues[(i * n + k) * 2 + 1]];
      top = Math.max(top, continuous ? re : Math.hypot(re, im));
    }
    const name = CLASSES[p.code[i]]?.name ?? "unknown";
    const many = name === "saddle" ? `, ${p.unstable[i]} unstable` : "";
    const index = p.index[i] < 0 ? `−${-p.index[i]}` : `+${p.index[i]}`;
    const q = p.q[i] > 0 ? `q ${p.q[i].toExponential(0).replace(/e([+-])(\d)$/, "e$10$2")}` : "q 0";
    return `${i}: ${name}${many} · ${continuous ? "Re λ max" : "|λ|max"} ${top.toFixed(3)} · ${q} · index ${index}`;
  });
}

const nd = (data: NdArray["data"], ...shape: number[]): NdArray => ({ data, shape });

/** The scene of a picture; what does not follow from the points stays as it was. */
export function sceneOf(p: Picture, before: ExplorerScene, axes: Axes, continuous: boolean, threshold: number): ExplorerScene {
  const { state } = before;
  const points = project(p.x, p.count, axes, false);
  const lines = p.modePoint.length;
  const reach = REACH * Math.max(...state.bounds.half);
  const arms = project(p.modes, lines, axes, true);
  const ends = new Float32Array(6 * lines);
  for (let m = 0; m < lines; m++)
    for (let a = 0; a < 3; a++) {
      const c = points[3 * p.modePoint[m] + a];
      ends[6 * m + a] = c - reach * arms[3 * m + a];
      ends[6 * m + 3 + a] = c + reach * arms[3 * m + a];
    }
  const words = p.full ? `of ${p.starts.toLocaleString("en")} starts ended in fixed points` : "points followed in this page";
  return {
    state: {
      labels: state.labels,
      dim: state.dim,
      bounds: state.bounds,
      sample: state.sample,
      launches: state.launches,
      points: nd(points, p.count, 3),
      code: nd(Int32Array.from(p.code), p.count),
      names: namesOf(p, continuous),
      values: empty(0),
      valueLabel: "",
      modes: nd(ends, lines, 2, 3),
      modeKind: nd(new Int32Array(lines), lines),
      modePoint: nd(p.modePoint, lines),
      manifolds: [], // the page's solver follows points, not lines of them
    },
    q: {
      logq: nd(Float32Array.from(p.q, (q) => Math.max(-40, Math.log10(q))), p.count),
      kept: nd(new Uint8Array(p.count).fill(1), p.count),
      threshold,
      audit: [{ label: words, count: p.full ? p.fixed : p.count, tooltip: "computed in this page, by the rules of the finder" }],
    },
  };
}

/** The status line: what was found, and what it proves (never all). */
export function statusOf(p: Picture): Status {
  const counts = CLASSES.map((c, k) => [c.name, p.code.filter((v) => v === k).length] as const).filter(([, n]) => n);
  const kinds = counts.map(([name, n]) => `${n} ${name}${name === "saddle" && n > 1 ? "s" : ""}`).join(", ");
  const sum = `index sum ${p.indexSum}${p.expectedSum === null ? "" : ` of ${p.expectedSum}`}`;
  return {
    state: "idle",
    text: `${p.count} fixed point${p.count === 1 ? "" : "s"}: ${kinds || "none"} · ${sum} · computed in this page · ${Math.round(p.ms)} ms`,
    tooltip: `Complete? ${p.grade}: ${p.reasons.join("; ")}.`,
    progress: 0,
    error: "",
    grade: p.grade,
  };
}

/** What an inspector of the same group shows of the points: spectra; the rest belonged to other points. */
export function inspectorSceneOf(p: Picture, before: InspectorScene, continuous: boolean): InspectorScene {
  const n = p.count ? p.eigenvalues.length / (2 * p.count) : 0;
  return {
    ...before,
    eigenvalues: nd(Float32Array.from(p.eigenvalues), p.count, n, 2),
    code: nd(Int32Array.from(p.code), p.count),
    names: namesOf(p, continuous),
    details: {},
  };
}
